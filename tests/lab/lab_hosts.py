"""Several libvirt hosts on one machine, each with namespaces of its own and its own libvirtd.

They hang on a switch of their own, together with a namespace for the controller, and reach nothing else. Every process
of a host is below the host's first program, so ending that one ends the host; every namespace and folder is named by
the test run, which holds a lock in its folder, so that what a killed run left is removed by the next.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.world.daemon_threads import DaemonThreads
from tests.lab.lab_cgroups import (
    JOIN_CGROUPS,
    cgroup_binds,
    cgroups,
    make_cgroups,
    remove_cgroup,
    set_freezer,
    set_share,
)
from tests.lab.lab_network import joined
from tests.lab.lab_runs import abandoned_runs, make_run_folder

SUBNET = "10.213.7"
"""First three numbers of the lab's addresses: the controller is .1, hosts are .11 and up, guests .100 and up."""
CONTROLLER_ADDRESS = f"{SUBNET}.1"
START_TIMEOUT_S = 120.0

_HERE = Path(__file__).parent
_VOLATILE = ("run", "guests")
"""Of the folders: what is on tmpfs on a real host, and gone after a boot."""
_LIBVIRT_FOLDERS = {
    "run": "/run/libvirt",
    "guests": "/run/reconciler",
    "lib": "/var/lib/libvirt",
    "etc": "/etc/libvirt",
    "cache": "/var/cache/libvirt",
    "log": "/var/log/libvirt",
}


@dataclass
class LabHost:
    """One host: a power button, a network cable, and libvirtd."""

    name: str
    address: str
    folder: Path
    netns: str
    cgroup: str
    supervisor: "subprocess.Popen[str] | None" = None

    @property
    def vm_uri(self) -> str:
        """Return the URI for machines, reachable from the controller's namespace and the other hosts."""
        return f"qemu+tcp://{self.address}/system"

    @property
    def lxc_uri(self) -> str:
        """Return the URI for containers."""
        return f"lxc+tcp://{self.address}/system"

    @property
    def local_vm_uri(self) -> str:
        """Return a URI for machines that works from any network namespace of this machine."""
        return f"qemu+unix:///system?socket={self.folder}/run/libvirt-sock"

    @property
    def local_lxc_uri(self) -> str:
        """Return a URI for containers that works from any network namespace of this machine."""
        return f"lxc+unix:///system?socket={self.folder}/run/libvirt-sock"

    @property
    def init_pid(self) -> int:
        """Return the id (in our own PID namespace) of the host's first program."""
        assert self.supervisor is not None, f"{self.name} is off"
        return children(self.supervisor.pid)[0]

    def power_on(self) -> None:
        """Start the host and its libvirtd; returns when that answers."""
        binds = [[str(self.folder / name), target] for name, target in _LIBVIRT_FOLDERS.items()]
        binds += cgroup_binds(self.cgroup)
        command = [
            *("setpriv", "--pdeathsig", "KILL"),
            *(sys.executable, "-I", "-S", "-c", JOIN_CGROUPS, self.cgroup),
            *("nsenter", f"--net=/run/netns/{self.netns}"),
            *("unshare", "--mount", "--pid", "--cgroup", "--fork", "--kill-child", "--mount-proc"),
            *("--propagation", "private"),
            *(sys.executable, "-I", "-S", str(_HERE / "lab_host_init.py"), json.dumps({"binds": binds})),
        ]
        self.supervisor = _SPAWNER.submit(
            lambda: subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ).result()
        assert self.supervisor.stdout is not None
        assert self.supervisor.stdout.readline() == "ready\n", f"{self.name} did not start"
        self.plug()
        self.start_libvirtd()

    def power_off(self) -> None:
        """Cut the power: everything on the host ends at once, and nobody is told: no connection is closed."""
        self.thaw()
        if self.supervisor is None:
            return
        self.unplug()
        for pid in children(self.supervisor.pid):
            os.kill(pid, signal.SIGKILL)
        self.supervisor.kill()
        self.supervisor.communicate()
        self.supervisor = None
        for name in _VOLATILE:
            shutil.rmtree(self.folder / name)
            (self.folder / name).mkdir()

    def run(self, argv: Sequence[str], log: str = "commands.log") -> None:
        """Start a program on the host, in the background, with its output in a file of the host's folder."""
        assert self.supervisor is not None, f"{self.name} is off"
        assert self.supervisor.stdin is not None
        self.supervisor.stdin.write(json.dumps({"argv": list(argv), "log": str(self.folder / log)}) + "\n")
        self.supervisor.stdin.flush()

    def processes(self, name: str) -> Sequence[int]:
        """Return the ids (in our own PID namespace) of the host's living processes with this command name."""
        assert self.supervisor is not None, f"{self.name} is off"
        return [pid for pid in _descendants(self.supervisor.pid) if _is_alive_as(pid, name)]

    def wait_for_process(self, name: str) -> int:
        """Return the id of the host's only process with this command name, which may still be about to start."""
        found: list[Sequence[int]] = []

        def is_alone() -> bool:
            found.append(self.processes(name))
            return len(found[-1]) == 1

        wait_for(is_alone, f"{name} on {self.name}")
        return found[-1][0]

    def start_libvirtd(self, *by: str) -> None:
        """Start libvirtd, by a program that becomes it if any is given, and wait until it answers."""
        self.run([*by, "libvirtd", "--listen", "--pid-file", "/run/libvirt/libvirtd.pid"], "libvirtd.log")
        wait_for(self._is_answering, f"libvirtd of {self.name}, see {self.folder / 'libvirtd.log'}")

    def kill_libvirtd(self) -> None:
        """Kill libvirtd, which leaves the guests running."""
        for pid in self.processes("libvirtd"):
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not self.processes("libvirtd"), f"the end of libvirtd of {self.name}")
        (self.folder / "run" / "libvirt-sock").unlink(missing_ok=True)

    def freeze(self) -> None:
        """Stop everything on the host, which does not know when it wakes up again."""
        set_freezer(self.cgroup, "FROZEN")

    def thaw(self) -> None:
        """Let a frozen host go on."""
        set_freezer(self.cgroup, "THAWED")

    @contextmanager
    def slowed(self) -> Iterator[None]:
        """Have the host take twenty times as long, so that something can be seen in its middle."""
        set_share(self.cgroup, 0.05)
        try:
            yield
        finally:
            set_share(self.cgroup, None)

    def unplug(self) -> None:
        """Take the host off the network."""
        _ip("-n", self.netns, "link", "set", "up0", "down")

    def plug(self) -> None:
        """Put the host back on the network."""
        _ip("-n", self.netns, "link", "set", "up0", "up")

    def _is_answering(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.folder / "run" / "libvirt-sock"))
        except OSError:
            return False
        return True


@dataclass
class Lab:
    """Hosts on a switch, and a network namespace for the controller beside them."""

    folder: Path
    hosts: list[LabHost]
    controller: str
    """Name of the controller's network namespace."""
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def __getitem__(self, name: str) -> LabHost:
        return next(host for host in self.hosts if host.name == name)

    def start(
        self, argv: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[bytes]":
        """Start a program in the controller's namespace; it is killed at the end of the lab if it is still there."""
        with log.open("ab") as output:
            command = [
                "setpriv",
                "--pdeathsig",
                "KILL",
                "nsenter",
                f"--net=/run/netns/{self.controller}",
                *argv,
            ]
            process = _SPAWNER.submit(
                lambda: subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
                )
            ).result()
        self.processes.append(process)
        return process

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Put the calling thread, and threads that it starts meanwhile, into the controller's network namespace."""
        with joined(Path("/run/netns", self.controller)):
            yield


@contextmanager
def make_lab(names: Sequence[str]) -> Iterator[Lab]:
    """Make hosts, all powered on, and remove all of it at the end, whatever happened."""
    with abandoned_runs() as folders:
        for folder in folders:
            _remove(folder)
    with make_run_folder() as folder, _made_lab(folder, names) as lab:
        yield lab


@contextmanager
def _made_lab(folder: Path, names: Sequence[str]) -> Iterator[Lab]:
    token = folder.name
    switch, controller = f"{token}-sw", f"{token}-ctl"
    hosts = [
        LabHost(
            name=name,
            address=f"{SUBNET}.{11 + index}",
            folder=folder / name,
            netns=f"{token}-{name}",
            cgroup=f"{token}-{name}",
        )
        for index, name in enumerate(names)
    ]
    lab = Lab(folder=folder, hosts=hosts, controller=controller)
    try:
        _make_namespace(switch)
        _ip("-n", switch, "link", "add", "br0", "type", "bridge")
        _ip("-n", switch, "link", "set", "br0", "up")
        _make_namespace(controller)
        _plug(switch, 0, controller)
        _ip("-n", controller, "address", "add", f"{CONTROLLER_ADDRESS}/24", "dev", "up0")
        for index, host in enumerate(hosts, start=1):
            _make_namespace(host.netns)
            _plug(switch, index, host.netns)
            # A bridge without an address of its own takes the lowest of its ports', which change with its guests.
            mac = f"02:00:00:00:00:{index:02x}"
            _ip("-n", host.netns, "link", "add", "br0", "address", mac, "type", "bridge")
            _ip("-n", host.netns, "link", "set", "up0", "master", "br0")
            _ip("-n", host.netns, "link", "set", "br0", "up")
            _ip("-n", host.netns, "address", "add", f"{host.address}/24", "dev", "br0")
            _write_configuration(host)
            make_cgroups(host.cgroup)
            host.power_on()
        yield lab
    finally:
        for process in reversed(lab.processes):
            process.kill()
            process.wait()
        for host in hosts:
            host.power_off()
        _remove(folder)


def _write_configuration(host: LabHost) -> None:
    for name in _LIBVIRT_FOLDERS:
        (host.folder / name).mkdir(parents=True)
    (host.folder / "log" / "qemu").mkdir()
    (host.folder / "etc" / "libvirtd.conf").write_text(
        "listen_tls = 0\nlisten_tcp = 1\n"
        f'listen_addr = "{host.address}"\nauth_tcp = "none"\nauth_unix_rw = "none"\nunix_sock_group = "root"\n'
        f'host_uuid = "{uuid.uuid4()}"\n'
    )
    (host.folder / "etc" / "qemu.conf").write_text(
        'user = "root"\ngroup = "root"\nsecurity_driver = "none"\ncgroup_controllers = []\nnamespaces = []\n'
        'stdio_handler = "file"\n'
    )


def _make_namespace(name: str) -> None:
    _ip("netns", "add", name)
    _ip("-n", name, "link", "set", "lo", "up")


def _plug(switch: str, index: int, namespace: str) -> None:
    """Lay a cable from the switch's port to the namespace's `up0`; both ends are made inside namespaces."""
    _ip(
        "-n", switch, "link", "add", f"port{index}", "type", "veth", "peer", "name", "up0", "netns", namespace
    )
    _ip("-n", switch, "link", "set", f"port{index}", "master", "br0")
    _ip("-n", switch, "link", "set", f"port{index}", "up")
    _ip("-n", namespace, "link", "set", "up0", "up")


def _remove(folder: Path) -> None:
    token = folder.name
    for namespace in sorted(Path("/run/netns").glob(f"{token}-*")):
        _ip("netns", "delete", namespace.name)
    for group in cgroups(f"{token}-*"):
        wait_for(lambda group=group: remove_cgroup(group), f"the end of {group}")  # type: ignore[misc]  # bound now
    shutil.rmtree(folder, ignore_errors=True)


def _descendants(pid: int) -> Sequence[int]:
    found: list[int] = []
    for child in children(pid):
        found += [child, *_descendants(child)]
    return found


def _is_alive_as(pid: int, name: str) -> bool:
    """Tell whether a process has this command name, and is no zombie: that of an earlier test would be found too."""
    # proc_pid_stat(5): the name, which may hold anything, is in parentheses; the state follows.
    before, _, after = _read(f"/proc/{pid}/stat").rpartition(")")
    return before.partition("(")[2] == name and after.split()[0] not in ("Z", "X")


def _read(path: str) -> str:
    try:
        # A process may call itself by any bytes.
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def children(pid: int) -> Sequence[int]:
    """Return the ids of a process's children; nothing when it is gone."""
    try:
        # A child is listed at the thread that started it.
        tasks = sorted(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []
    return [int(word) for task in tasks for word in _read(str(task / "children")).split()]


def wait_for(is_so: Callable[[], bool], what: str, limit_s: float = START_TIMEOUT_S) -> None:
    deadline = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline, f"waited {limit_s:g} s for {what}"
        time.sleep(0.02)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL)


# prctl(2): the death signal comes when the thread that started a process ends, which must not be a thread of a pool.
_SPAWNER = DaemonThreads(1, "lab-spawner")
