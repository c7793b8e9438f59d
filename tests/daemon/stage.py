"""A stage for the whole command: a git repository, a state folder, ports of its own, and what runs there."""

import errno
import itertools
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reconciler.model.errors import StateError
from reconciler.world.control import ask
from reconciler.world.state_folder import state_folder

TIMEOUT_S = 60.0
"""For anything to come true; generous, for a loaded machine of two cores."""

Status = dict[str, Any]

# Another place to begin for each run, for there may be another one beside it.
_PORTS = itertools.count(10_000 + 10 * secrets.randbelow(1_500), 10)


class Stage:
    """One repository with its controller, as a user would have them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / "repository"
        self.state = folder / "state"
        self.ledger = folder / "ledger"
        self.port = free_port()
        # Guests of one cluster are the same guests, wherever their state lies: each stage has its own.
        self.cluster = f"stage-{os.getpid()}-{self.port}"
        self.daemon: subprocess.Popen[bytes] | None = None
        self.daemon_log = folder / "daemon.log"
        self.repository.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.repository, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        """Commit files, `name` standing for name.yaml, and return the commit."""
        for name, text in files.items():
            (self.repository / f"{name}.yaml").write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def reconcile(self, *arguments: str, check: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        done = subprocess.run(
            [*self.command(), *arguments], check=False, capture_output=True, text=True, timeout=TIMEOUT_S * 2
        )
        if check is not None:
            assert done.returncode == check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def command(self) -> list[str]:
        return [sys.executable, "-m", "reconciler", "-C", str(self.repository), "--state", str(self.state)]

    def start_daemon(self) -> None:
        """Start the daemon, and wait until it answers: without it `status` would look for itself."""
        with self.daemon_log.open("ab") as log:
            self.daemon = subprocess.Popen([*self.command(), "--watch"], stdout=log, stderr=log)
        end = time.monotonic() + TIMEOUT_S
        while self.daemon.poll() is None and not self._answers():
            assert time.monotonic() < end, f"the daemon does not answer:\n{self.daemon_log.read_text()}"
            time.sleep(0.02)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(state_folder(None, self.state).control_socket)) == 0

    def kill_daemon(self) -> None:
        """End the daemon as a power cut of it alone would."""
        assert self.daemon is not None
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()
        self.daemon = None

    def stop_daemon(self) -> None:
        assert self.daemon is not None
        self.daemon.send_signal(signal.SIGTERM)
        assert self.daemon.wait(TIMEOUT_S) == 0
        self.daemon = None

    def status(self) -> Status:
        status: Status = json.loads(self.reconcile("status", "-o", "json").stdout)
        return status

    def _told(self) -> Status | None:
        """Return the status that the daemon tells; None when there is none, or it ends just now."""
        try:
            messages = ask(state_folder(None, self.state).control_socket, {"command": "status"})
            return None if messages is None else next(messages)["result"]
        except StateError:
            return None

    def until(self, is_so: Callable[[Status], bool], limit_s: float = TIMEOUT_S) -> Status:
        """Wait until the status satisfies a condition, and return it.

        What the command prints comes first. Later the daemon is asked as the command asks it: to start that again and
        again would take one of the processors that what is waited for needs.
        """
        end = time.monotonic() + limit_s
        status = self.status()
        while time.monotonic() < end:
            if _has_read(status) and is_so(status):
                return status
            time.sleep(0.1)
            status = self._told() or self.status()
        log = self.daemon_log.read_text() if self.daemon_log.exists() else ""
        raise AssertionError(f"never came true; last status:\n{json.dumps(status, indent=1)}\n{log}")

    def lines(self) -> list[str]:
        """The ledger as `ACTION RESOURCE NODE`, in the order of events."""
        if not self.ledger.exists():
            return []
        return [
            " ".join(entry[2:5]) for line in self.ledger.read_text().splitlines() if (entry := line.split())
        ]

    def wait_for_lines(self, count: int) -> list[str]:
        end = time.monotonic() + TIMEOUT_S
        while len(self.lines()) < count and time.monotonic() < end:
            time.sleep(0.05)
        return self.lines()

    def wait_for_log(self, text: str) -> None:
        """Wait until the daemon has said something."""
        end = time.monotonic() + TIMEOUT_S
        while text not in self.daemon_log.read_text():
            assert time.monotonic() < end, f"the daemon never said {text!r}:\n{self.daemon_log.read_text()}"
            time.sleep(0.05)

    def end(self) -> None:
        """Remove everything that runs: what is declared stopped is stopped."""
        if self.daemon is not None:
            self.daemon.send_signal(signal.SIGKILL)
            self.daemon.wait()
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        shutil.rmtree(state_folder(None, self.state).runtime, ignore_errors=True)

    def processes(self) -> list[int]:
        """The processes that were started for this stage: each names the stage's folder somewhere."""
        found = []
        mark = str(self.folder).encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                text += str((entry / "cwd").readlink()).encode()
            except OSError:
                continue
            if mark in text:
                found.append(int(entry.name))
        return found


def _has_read(status: Status) -> bool:
    """Tell whether a declaration is in force: a daemon answers before it has read any."""
    return status["source"]["commit"] is not None


def free_port() -> int:
    """Find a port for something that is started later, with ten more behind it that are asked for nowhere else.

    It is none of those that Linux gives to whoever asks for any (ip_local_port_range: 32768 and above), so that nobody
    gets it in between by chance.
    """
    while True:
        port = next(_PORTS)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED:
                return port


def is_started(name: str, *nodes: str) -> Callable[[Status], bool]:
    """A condition: a resource runs on exactly these nodes, with no problem and nothing under way."""

    def check(status: Status) -> bool:
        entry = next((r for r in status["resources"] if r["name"] == name), None)
        if entry is None:
            return not nodes
        is_busy = any(i["pending"] or i["failed"] for i in entry["instances"])
        return entry["nodes"] == list(nodes) and entry["problem"] is None and not is_busy

    return check


def is_node(name: str, state: str) -> Callable[[Status], bool]:
    return lambda status: any(n["name"] == name and n["state"] == state for n in status["nodes"])


def has_attributes(node: str, **values: str) -> Callable[[Status], bool]:
    """A condition: a node has exactly these attributes."""
    return lambda status: [n["attributes"] for n in status["nodes"] if n["name"] == node] == [values]


def uses_key(node: str, epoch: int) -> Callable[[Status], bool]:
    """A condition: a node's agent is connected with the key that is declared, of this epoch."""
    key = {"epoch": epoch, "in_use": epoch}
    is_so = is_node(node, "online")
    return lambda status: (
        is_so(status) and any(n["name"] == node and n["key"] == key for n in status["nodes"])
    )


def both(*conditions: Callable[[Status], bool]) -> Callable[[Status], bool]:
    return lambda status: all(c(status) for c in conditions)


def host_yaml(cluster: str) -> str:
    return f"""\
apiVersion: reconciler/v1alpha1
kind: Cluster
metadata: {{name: {cluster}}}
---
apiVersion: reconciler/v1alpha1
kind: Host
metadata: {{name: host1}}
spec: {{agent: local}}
"""


def guest_yaml(port: int, extra: str = "") -> str:
    return f"""\
apiVersion: reconciler/v1alpha1
kind: Guest
metadata: {{name: vm-guest1}}
spec:
  type: process
  remoteNode: {{name: guest1, address: 127.0.0.1, port: {port}, connectTimeout: 20s}}
{extra}"""


def dummy_yaml(
    name: str, ledger: Path, *, params: str = "", prefer: str = "guest1: INFINITY", extra: str = ""
) -> str:
    return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Resource
metadata: {{name: {name}}}
spec:
  agent: "ocf:reconciler:Dummy"
  params:
    ledger: {ledger}
{params}
  op: {{monitor: {{interval: 1s, timeout: 20s}}}}
  placement: {{prefer: {{{prefer}}}}}
{extra}"""


def gated_yaml(name: str, ledger: Path, gate: Path, *, prefer: str = "guest1: INFINITY") -> str:
    """A resource whose start lasts until a file is there, in whose folder it runs."""
    return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Resource
metadata: {{name: {name}}}
spec:
  agent: "ocf:reconciler:Process"
  params:
    command: sleep 1000
    directory: {gate.parent}
    monitor_command: test -e {gate}
    ledger: {ledger}
  op: {{start: {{timeout: 120s}}, monitor: {{interval: 1s, timeout: 20s}}}}
  placement: {{prefer: {{{prefer}}}}}
"""
