"""A controller for tests: starts real agents as zip files, and talks to them over real sockets."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, TypeVar

from agent import operation_file, processes, tls
from agent.wire import (
    CALL_NOTIFY_CHANGES_ONLY,
    AnyReply,
    Connection,
    Exec,
    GetRecords,
    Notice,
    NoticeReceived,
    OperationResult,
    RecordsReply,
    Register,
    RegisterReply,
    Reply,
    ReplyReceived,
    Request,
    ResourceInfo,
    ResourceInfoReply,
    ResourceRegister,
    Role,
    StartRecord,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

PATIENCE_S = 60.0
"""How long anything may take on a machine that is busy with other things; nothing waits that long otherwise."""

KEY = bytes(range(64))

N = TypeVar("N", bound=Notice)
R = TypeVar("R", bound=AnyReply)
T = TypeVar("T")


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Poll until it is so; fail after PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)


class Client:
    """A controller's end of one connection, blocking, with a deadline on everything."""

    def __init__(self, plain: socket.socket, credentials: tls.Credentials | None = None) -> None:
        self._plain = plain
        self._tls = tls.TLSSocket(plain, credentials) if credentials else None
        self._wire = Connection(Role.CLIENT)
        self.notices: list[Notice] = []
        self._replies: dict[int, AnyReply] = {}
        if self._tls is not None:
            self._retry(self._tls.handshake)

    def register(self, name: str = "tests", *, cluster: str = "", epoch: int | None = None) -> RegisterReply:
        return self.ask(Register(name, cluster=cluster, epoch=epoch), RegisterReply)

    def send(self, request: Request) -> None:
        """Send a request that gets no reply."""
        for chunk in self._wire.send_request(request)[1]:
            self._send(chunk)

    def ask(self, request: Request, expected: type[R]) -> R:
        message_id, chunks = self._wire.send_request(request)
        for chunk in chunks:
            self._send(chunk)
        deadline = time.monotonic() + PATIENCE_S
        while message_id not in self._replies:
            assert time.monotonic() < deadline, f"no reply to {request}"
            self._receive(deadline)
        reply = self._replies.pop(message_id)
        assert isinstance(reply, expected)
        return reply

    def rc(self, request: Request) -> int:
        return self.ask(request, Reply).rc

    def add(self, resource_id: str, name: str = "ocf:reconciler:Dummy") -> None:
        words = name.split(":")
        standard, provider, type_name = words if len(words) == 3 else (words[0], "", words[1])
        assert self.rc(ResourceRegister(resource_id, standard, provider, type_name)) == 0

    def begin(
        self,
        resource_id: str,
        action: str,
        params: Mapping[str, str] | None = None,
        *,
        uid: str = "",
        timeout_ms: int = 60_000,
        interval_ms: int = 0,
    ) -> int:
        options = CALL_NOTIFY_CHANGES_ONLY if interval_ms else 0
        call_id = self.rc(
            Exec(
                resource_id,
                action,
                timeout_ms,
                interval_ms=interval_ms,
                params=params or {},
                uid=uid,
                call_options=options,
            )
        )
        assert call_id > 0, call_id
        return call_id

    def result(self, call_id: int) -> OperationResult:
        """Wait for the next result of a call, and take it off the list."""
        return self.notice(OperationResult, lambda result: result.call_id == call_id)

    def run(
        self, resource_id: str, action: str, params: Mapping[str, str] | None = None, **options: Any
    ) -> OperationResult:
        return self.result(self.begin(resource_id, action, params, **options))

    def notice(self, kind: type[N], is_wanted: Callable[[N], bool] = lambda _notice: True) -> N:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            for notice in self.notices:
                if isinstance(notice, kind) and is_wanted(notice):
                    self.notices.remove(notice)
                    return notice
            assert time.monotonic() < deadline, f"no {kind.__name__}; there are {self.notices}"
            self._receive(deadline)

    def rc_of_info(self, resource_id: str) -> int:
        return self.ask(ResourceInfo(resource_id), ResourceInfoReply).rc

    def records(self) -> tuple[StartRecord, ...]:
        return self.ask(GetRecords(), RecordsReply).records

    def wait_for_end(self) -> None:
        """Wait until the agent has closed the connection."""
        deadline = time.monotonic() + PATIENCE_S
        with contextlib.suppress(ConnectionError, tls.TLSError):
            while self._receive(deadline):
                assert time.monotonic() < deadline, "the agent did not close"

    def send_raw(self, raw: bytes) -> None:
        self._send(raw)

    def close(self) -> None:
        (self._tls or self._plain).close()

    def _send(self, chunk: bytes) -> None:
        if self._tls is None:
            self._plain.sendall(chunk)
        else:
            session = self._tls
            self._retry(lambda: session.send(chunk))

    def _receive(self, deadline: float) -> bool:
        """Take in one chunk; False at the end."""
        self._plain.settimeout(max(0.0, deadline - time.monotonic()))
        chunk = self._plain.recv(65536) if self._tls is None else self._retry(self._tls.receive)
        if not chunk:
            raise ConnectionResetError("the agent closed the connection")
        self._wire.receive_bytes(chunk)
        while True:
            event = self._wire.next_event()
            if event is None:
                return True
            if isinstance(event, ReplyReceived):
                self._replies[event.message_id] = event.reply
            elif isinstance(event, NoticeReceived):
                self.notices.append(event.notice)

    def _retry(self, call: Callable[[], T]) -> T:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            events = select.POLLIN
            try:
                return call()
            except tls.WantReadError:
                pass
            except tls.WantWriteError:
                events = select.POLLOUT
            remaining_s = deadline - time.monotonic()
            assert remaining_s > 0, "the agent is silent"
            poll = select.poll()
            poll.register(self._plain, events)
            poll.poll(remaining_s * 1000)


class Agent:
    """One agent's process, and its restarts on the same state folder."""

    def __init__(self, archive: Path, folder: Path, python: str = sys.executable) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.socket = folder / "agent.sock"
        self.key_file = folder / "authkey"
        self.address = ("", 0)
        self.greeting = ""
        self._archive = archive
        self.python = python
        self._clients: list[Client] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.key_file.write_bytes(KEY)
        self.key_file.chmod(0o600)

    def start(self, *options: str, environment: Mapping[str, str] | None = None) -> None:
        log = self.folder / "log"
        with log.open("a", encoding="utf-8") as stderr:
            stderr.write("---\n")
            stderr.flush()
            written = stderr.tell()
            command = [self.python, "-I", "-S", str(self._archive), "serve", "--state", str(self.state)]
            command += ["--unix", str(self.socket), "--node", "guest1", *options]
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr, env=environment
            )

        def has_begun() -> bool:
            assert self.process is not None
            lines = log.read_text(encoding="utf-8")[written:].splitlines()
            assert self.process.poll() is None, lines
            self.greeting = next((line for line in lines if "listening on" in line), "")
            return bool(self.greeting)

        wait_until(has_begun, "the agent listens")

    def start_tls(self, *options: str) -> None:
        self.start("--listen", "127.0.0.1:0", "--key-file", str(self.key_file), *options)
        address = self.greeting.split("listening on ")[1].split(" and ")[0]
        self.address = ("127.0.0.1", int(address.rpartition(":")[2]))

    def connect(self, name: str = "tests") -> Client:
        """Connect by the Unix socket, and register unless `name` is empty."""
        plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        plain.settimeout(PATIENCE_S)

        def connect() -> Client:
            plain.connect(str(self.socket))
            return Client(plain)

        return self._client(plain, connect, name)

    def connect_tls(
        self,
        name: str = "tests",
        key: bytes = KEY,
        identity: str = "lrmd",
        address: tuple[str, int] | None = None,
    ) -> Client:
        """Connect by TCP, at another address if somebody is in between."""
        plain = socket.create_connection(address or self.address, timeout=PATIENCE_S)
        return self._client(plain, lambda: Client(plain, tls.client_credentials(key, identity)), name)

    def kill(self) -> None:
        """Kill -9 the agent, and nothing else."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE_S)
        self.close_clients()

    def terminate(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def close_clients(self) -> None:
        for client in self._clients:
            client.close()
        self._clients.clear()

    def end(self) -> None:
        """End the agent, and the operations of its own that would outlive it."""
        self.close_clients()
        if self.process is not None and self.process.poll() is None:
            self.kill()
        wait_until(self._has_ended_operations, "the operations in flight end")

    def _has_ended_operations(self) -> bool:
        """Cancel what is in flight, by the process that its file names; True when nothing is."""
        states = [operation_file.read(path) for path in (self.state / "operations").glob("*")]
        for state in states:
            if not state.is_over and state.process is not None and processes.is_alive(state.process):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(state.process.pid, signal.SIGTERM)
        return all(state.is_over for state in states)

    def _client(self, plain: socket.socket, connect: Callable[[], Client], name: str) -> Client:
        try:
            client = connect()
        except BaseException:
            plain.close()
            raise
        self._clients.append(client)
        if name:
            assert client.register(name).rc == 0
        return client


def ledger_of(path: Path) -> list[str]:
    """Read the actions in a ledger."""
    if not path.exists():
        return []
    return [line.split()[2] for line in path.read_text(encoding="utf-8").splitlines()]


def pid_in(path: Path) -> int:
    """Wait for a pid in a file, which may be written anew at any moment."""
    found: list[str] = []

    def has_line() -> bool:
        found[:] = [path.read_text(encoding="ascii")] if path.exists() else [""]
        return found[0].endswith("\n")

    wait_until(has_line, f"a pid in {path}")
    return int(found[0])


def is_running(pid: int) -> bool:
    state = processes.read_process(pid)
    return state is not None and state.state not in "ZX"
