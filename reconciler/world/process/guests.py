"""Runs process guests: our agent as a process of its own on the controller's machine; no libvirt, no root.

Each guest has a folder with its key, its log, the agent's state, and a record. The record is written before anything is
started, and every process carries a marker in its environment, so that a controller that dies at any point finds what
it began: the record and /proc are read each time, and nothing here is remembered.

Wiring: `ProcessGuests(state / "guests", agent_file, sys.executable)`, with the path that `build_agent_file` returned.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from reconciler.model.errors import HypervisorError
from reconciler.model.names import ResourceId
from reconciler.model.node import AddressFinding, AddressOwner, Host
from reconciler.ports import Domain, GuestStart, Wake
from reconciler.world.atomic_file import write_atomically
from reconciler.world.listeners import whose_listener
from reconciler.world.process.record import (
    GuestRecord,
    locked_folder,
    read_record,
    read_records,
    remove_record,
    write_record,
)
from reconciler.world.process.spawn import Spawn, find_namespaces, read_log_end, spawn_detached
from reconciler.world.process.table import (
    MARKER_NAME,
    MarkedProcess,
    ProcessIdentity,
    find_descendants,
    find_marked,
    is_alive,
    is_port_listening,
    read_boot_id,
    send_signal,
)
from reconciler.world.process.watch import watch_processes

KILL_TIMEOUT_S = 15.0
"""How long killed processes may take to be gone; uninterruptible sleep is the usual reason for more."""

_APPEAR_TIMEOUT_S = 5.0
_LISTEN_TIMEOUT_S = 5.0
_POLL_S = 0.02
# agent/epochs.py
_EPOCHS = "epochs"
_KEY = "authkey"
# agent/keys.py
_NEW_KEY = "authkey.next"
_DEFAULT_ADDRESS = "127.0.0.1"


class ProcessGuests:
    """The part of the Hypervisor port for guests of type process."""

    def __init__(
        self, folder: Path, agent_file: Path, python: str, namespaces: Sequence[str] | None = None
    ) -> None:
        """Take where and with what guests run; nothing is touched yet.

        Args:
            folder: of all process guests of one cluster, made when it is needed.
            agent_file: the agent's zip file.
            python: the interpreter that runs it.
            namespaces: the command that gives a guest its own namespaces; empty: none; None: try what is permitted.
        """
        self._folder = folder.absolute()
        self._agent_file = agent_file.absolute()
        self._python = python
        self._wanted_namespaces = namespaces

    async def domains(self, host: Host) -> Sequence[Domain]:
        """Return the process guests that were started on this host and of which anything is still there.

        Raises:
            HypervisorError: their folder cannot be read; what runs is unknown.
        """
        return await asyncio.to_thread(self._list, host)

    async def start(self, host: Host, start: GuestStart) -> None:
        """Start a guest's agent; return when it listens, or has had five seconds to.

        Raises:
            HypervisorError: it did not start, with what it logged last.
        """
        record = await asyncio.to_thread(self._begin, host, start)
        folder = self._folder_of(record.resource)
        found: list[GuestRecord] = []

        def has_appeared() -> bool:
            there = _find_main(record)
            found.extend([there] if there is not None else [])
            return there is not None or not find_marked(record.uuid)

        def is_settled() -> bool:
            return not _is_main_alive(found[0]) or is_port_listening(record.port)

        await _wait(_APPEAR_TIMEOUT_S, has_appeared)
        if found:
            await asyncio.to_thread(write_record, folder, found[0])
            await _wait(_LISTEN_TIMEOUT_S, is_settled)
        if not found or not _is_main_alive(found[0]):
            raise HypervisorError(
                f"the agent of {record.resource} ended at once: {read_log_end(folder / 'log')} ({folder / 'log'})"
            )

    async def stop(self, resource: ResourceId, shutdown_ms: int) -> None:
        """End a guest: SIGTERM to its agent, up to `shutdown_ms` later SIGKILL to all of it; absent is success.

        Raises:
            HypervisorError: something of it still runs.
        """
        folder = self._folder_of(resource)
        try:
            record = await asyncio.to_thread(read_record, folder)
        except OSError as error:
            raise HypervisorError(f"the record of {resource} cannot be read: {error}") from error
        if record is None:
            return
        main = await asyncio.to_thread(lambda: (_find_main(record) or record).main)
        doomed = set(await asyncio.to_thread(_processes_of, record))
        if shutdown_ms > 0 and main is not None:
            await asyncio.to_thread(send_signal, [main], signal.SIGTERM)
            await _wait(shutdown_ms / 1000, lambda: not is_alive(main))

        def is_gone() -> bool:
            doomed.update(_processes_of(record))
            living = [process for process in sorted(doomed) if is_alive(process)]
            send_signal(living, signal.SIGKILL)
            return not living

        if not await _wait(KILL_TIMEOUT_S, is_gone):
            pids = ", ".join(str(process.pid) for process in sorted(doomed) if is_alive(process))
            raise HypervisorError(f"processes of {resource} cannot be killed: {pids}")
        await asyncio.to_thread(_clean, folder, record)

    async def deliver_key(self, resource: ResourceId, delivery: bytes) -> None:
        """Lay down a new key where the guest's agent finds it.

        Raises:
            HypervisorError: it does not run, or the key cannot be written.
        """

        def write() -> None:
            folder = self._folder_of(resource)
            with locked_folder(folder):
                record = read_record(folder)
                if record is None or not _is_main_alive(record):
                    raise HypervisorError(f"the process guest {resource} does not run")
                write_atomically(folder / _NEW_KEY, delivery, 0o600)

        try:
            await asyncio.to_thread(write)
        except OSError as error:
            raise HypervisorError(f"the new key of {resource} cannot be written: {error}") from error

    async def owner_of(
        self, resource: ResourceId, address: IPv4Address | IPv6Address, port: int
    ) -> AddressFinding:
        """Return whether the guest's own agent is what listens at an address.

        Raises:
            HypervisorError: its record cannot be read.
        """

        def look() -> AddressFinding:
            record = read_record(self._folder_of(resource))
            main = (_find_main(record) or record).main if record is not None else None
            if main is None:
                text = f"the process guest {resource} does not run"
                return AddressFinding(owner=AddressOwner.UNKNOWN, text=text)
            return whose_listener(main.pid, address, port)

        try:
            return await asyncio.to_thread(look)
        except OSError as error:
            raise HypervisorError(f"the record of {resource} cannot be read: {error}") from error

    async def watch(self, wake: Wake) -> None:
        """Call `wake` when a guest's agent ends or another guest appears, until cancelled."""
        await watch_processes(self._mains, wake)

    @cached_property
    def _namespaces(self) -> Sequence[str]:
        """Tried at the first start, and then kept for the life of this controller."""
        if self._wanted_namespaces is not None:
            return self._wanted_namespaces
        return find_namespaces(is_root=os.geteuid() == 0)

    def _folder_of(self, resource: ResourceId) -> Path:
        return self._folder / resource.lower()

    def _list(self, host: Host) -> Sequence[Domain]:
        try:
            records = [record for record in read_records(self._folder) if record.host == host.name]
        except OSError as error:
            raise HypervisorError(f"the process guests cannot be read: {error}") from error
        # One look at all processes serves all guests, and only those need it whose agent is not simply alive.
        in_doubt = any(not _is_main_alive(record) for record in records)
        marked = find_marked() if in_doubt else ()
        return [domain for record in records if (domain := _domain(record, marked)) is not None]

    def _mains(self) -> Sequence[ProcessIdentity]:
        return [record.main for record in read_records(self._folder) if record.main is not None]

    def _begin(self, host: Host, start: GuestStart) -> GuestRecord:
        """Make sure that this start has been made, once, whoever died in between."""
        record = _record(host, start, is_namespaced=bool(self._namespaces))
        folder = self._folder_of(record.resource)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked_folder(folder):
                present = read_record(folder)
                if present is not None and present.uid == record.uid and _processes_of(present):
                    return present
                _refuse_others(record, present)
                _prepare(folder, start)
                write_record(folder, record)
                spawn_detached(self._spawn(folder, record, start))
        except OSError as error:
            raise HypervisorError(
                f"the process guest {record.resource} cannot be started: {error}"
            ) from error
        return record

    def _spawn(self, folder: Path, record: GuestRecord, start: GuestStart) -> Spawn:
        options = {
            "--listen": f"{_bracketed(record.address)}:{record.port}",
            "--key-file": str(folder / _KEY),
            "--identity": "lrmd",
            "--node": record.node or record.resource,
            "--state": str(folder / "state"),
            # It shares its network with others, and with it the names that Pacemaker's own programs look for.
            "--serve-programs": f"reconciler-{record.uuid}-",
        }
        node = start.guest.remote_node
        tls12 = ("--tls12",) if node is not None and node.agent.tls12 else ()
        return Spawn(
            command=(
                *self._namespaces,
                *(self._python, "-I", "-S", str(self._agent_file), "serve", "--init", *tls12),
                *(word for option in options.items() for word in option),
            ),
            folder=folder,
            log=folder / "log",
            environment={MARKER_NAME: record.marker},
        )


def _record(host: Host, start: GuestStart, *, is_namespaced: bool) -> GuestRecord:
    node = start.guest.remote_node
    if node is None or start.key is None:
        raise HypervisorError(
            f"the process guest {start.guest.id} needs a remoteNode: it is nothing but an agent"
        )
    return GuestRecord(
        resource=start.guest.id,
        cluster=start.cluster.name,
        node=node.name,
        host=host.name,
        uuid=str(start.cluster.uuid_of(start.guest.id)),
        uid=start.uid,
        digest=start.digest,
        commit=start.commit,
        address=node.agent.address or _DEFAULT_ADDRESS,
        port=node.agent.port,
        boot_id=read_boot_id(),
        is_namespaced=is_namespaced,
    )


def _refuse_others(record: GuestRecord, present: GuestRecord | None) -> None:
    there = set(_processes_of(record)) | set(_processes_of(present) if present is not None else ())
    if there:
        pids = ", ".join(str(process.pid) for process in sorted(there))
        raise HypervisorError(f"{record.resource} still runs from an earlier start (processes {pids})")
    if is_port_listening(record.port):
        raise HypervisorError(f"port {record.port} of {record.resource} is in use by something else")


def _prepare(folder: Path, start: GuestStart) -> None:
    """Deliver the key, and take away what the agent kept of the guest's last life: none of it runs any more."""
    _clear_state(folder)
    (folder / "state").mkdir(mode=0o700, exist_ok=True)
    (folder / _NEW_KEY).unlink(missing_ok=True)
    write_atomically(folder / _KEY, start.key or b"", 0o600)


def _clean(folder: Path, record: GuestRecord) -> None:
    """Remove the record and the key of a guest that is dead; its log stays."""
    with locked_folder(folder):
        present = read_record(folder)
        if present is not None and present.uid == record.uid:
            for name in (_KEY, _NEW_KEY):
                (folder / name).unlink(missing_ok=True)
            _clear_state(folder)
            remove_record(folder)


def _clear_state(folder: Path) -> None:
    """Remove what the agent kept of a guest's life, but not which controllers it is to refuse: that outlives it."""
    state = folder / "state"
    for entry in sorted(state.iterdir()) if state.is_dir() else ():
        if entry.name == _EPOCHS:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _domain(record: GuestRecord, marked: Sequence[MarkedProcess]) -> Domain | None:
    """Return a guest as it is now; None when nothing of it is left."""
    record = _find_main(record, marked) or record
    is_running = _is_main_alive(record)
    left = sum(process.guest_uuid == record.uuid for process in marked)
    if not is_running and not left:
        return None
    return Domain(
        resource=record.resource,
        cluster=record.cluster,
        digest=record.digest,
        uid=record.uid,
        is_running=is_running,
        text="running" if is_running else f"its agent ended, {left} of its processes are left",
        address=record.address,
        node=record.node,
    )


def _processes_of(record: GuestRecord) -> Sequence[ProcessIdentity]:
    """Return all that is left of a guest: what carries its marker, its agent, and all below that."""
    found = {process.identity for process in find_marked(record.uuid)}
    if record.main is not None and _is_main_alive(record):
        found |= {record.main, *find_descendants(record.main)}
    return sorted(found)


def _find_main(record: GuestRecord, marked: Sequence[MarkedProcess] | None = None) -> GuestRecord | None:
    """Return the record with the agent's process in it; None when it is not there, or not there yet."""
    if record.main is not None:
        return record if _is_main_alive(record) else None
    for process in find_marked(record.uuid) if marked is None else marked:
        is_its = process.guest_uuid == record.uuid and process.uid == record.uid
        # Before the namespace's init there is unshare(1), which waits for it.
        if is_its and process.is_namespace_init == record.is_namespaced:
            return replace(record, main=process.identity)
    return None


def _is_main_alive(record: GuestRecord) -> bool:
    return record.main is not None and record.boot_id == read_boot_id() and is_alive(record.main)


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


async def _wait(limit_s: float, is_done: Callable[[], bool]) -> bool:
    """Ask again and again until it is so; return False when the time is up. The asking is done in a thread."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limit_s
    while not await asyncio.to_thread(is_done):
        if loop.time() >= deadline:
            return False
        await asyncio.sleep(_POLL_S)
    return True
