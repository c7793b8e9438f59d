"""Nodes that a controller reaches over the network: our agent or a stock one, in a root of its own on a lab host."""

import os
import shutil
import signal
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tests.lab.lab_chroot import Overlay, give_to_pacemaker, in_root
from tests.lab.lab_hosts import LabHost, wait_for
from tests.lab.lab_pacemaker import KEY_FILE

PORT = 3121


class Node(Protocol):
    """An agent that can be started, ended in order and killed, beside its resources' files."""

    host: LabHost
    overlay: Overlay

    @property
    def address(self) -> str:
        """Return where it listens."""
        return self.host.address

    @property
    def root(self) -> Path:
        """Return its file system as it is seen from outside."""
        return Path(f"/proc/{self.host.init_pid}/root{self.overlay.root}")

    def make(self) -> None:
        """Make its file system, on a host that is on."""
        self.overlay.make()
        self.overlay.mount_in(self.host.init_pid)

    def start(self) -> None:
        """Start the agent, in the background."""
        self.host.run(in_root(self.overlay.root, *self.command()), "agent.log")
        wait_for(lambda: len(self.pids()) > 0, f"the agent on {self.host.name}, see its agent.log")

    def stop(self) -> None:
        """Ask the agent to end, and do not wait for it."""
        os.kill(self.pids()[0], signal.SIGTERM)

    def kill(self) -> None:
        """Kill the agent, and nothing else."""
        os.kill(self.pids()[0], signal.SIGKILL)
        wait_for(lambda: not self.pids(), f"the end of the agent on {self.host.name}")

    def set_key(self, key: bytes) -> None:
        """Give the agent another key; a stock one takes it at its next start."""
        file = self.root / KEY_FILE
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(key)
        give_to_pacemaker(file, self.overlay.image)

    def inside(self, *argv: str) -> Sequence[str]:
        """Return the command that runs a program beside the agent."""
        target = f"--target={self.pids()[0]}"
        return ["nsenter", target, "--mount", "--net", "--pid", "--ipc", "--root", "--wd", *argv]

    def log(self) -> str:
        """Return what the agent says about itself."""
        return (self.host.folder / "agent.log").read_text(errors="replace")

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Return the command that is the agent."""
        ...

    @abstractmethod
    def pids(self) -> Sequence[int]:
        """Return the agent's own process; nothing when there is none."""
        ...


class OurNode(Node):
    """Our agent, on the Python of the root."""

    def __init__(self, host: LabHost, overlay: Overlay, agent_file: Path) -> None:
        self.host = host
        self.overlay = overlay
        self._agent_file = agent_file

    def make(self) -> None:
        super().make()
        shutil.copy(self._agent_file, self.root / "agent.pyz")

    def command(self) -> Sequence[str]:
        serve = ["--listen", f"0.0.0.0:{PORT}", "--key-file", "/etc/pacemaker/authkey"]
        return [
            *("/usr/bin/python3", "-I", "-S", "/agent.pyz", "serve", *serve),
            *("--state", "/run/reconciler-agent", "--ocf-root", "/usr/lib/ocf", "--serve-programs"),
        ]

    def pids(self) -> Sequence[int]:
        # What it forks for an operation has another name; the oldest is the agent.
        return [pid for pid in self.host.processes("python3") if _is_running(pid, "/agent.pyz")][:1]


class StockNode(Node):
    """Stock pacemaker_remoted, whichever version the root has."""

    def __init__(self, host: LabHost, overlay: Overlay) -> None:
        self.host = host
        self.overlay = overlay

    def command(self) -> Sequence[str]:
        return ["/usr/sbin/pacemaker-remoted"]

    def pids(self) -> Sequence[int]:
        return self.host.processes("pacemaker-remot")[:1]  # the kernel keeps fifteen characters of a name


def _is_running(pid: int, word: str) -> bool:
    try:
        return word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
