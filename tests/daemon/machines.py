"""Machines that nobody starts for us, as far as a controller sees them: our agent as a process, on loopback."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from reconciler.world.agent_file import build_agent_file
from tests.daemon.stage import TIMEOUT_S, Stage, free_port

KEY = bytes(range(64))


class Machine:
    """One agent that listens on a port of its own, with a key that it was given by hand."""

    def __init__(self, stage: Stage, name: str, *options: str) -> None:
        self.name = name
        self.port = free_port()
        self.folder = stage.folder / name
        self.folder.mkdir()
        self.key_file = self.folder / "authkey"
        self.key_file.write_bytes(KEY)
        self.key_file.chmod(0o600)
        self.log = self.folder / "agent.log"
        self.connect_timeout = "60s"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def yaml(self, extra: str = "") -> str:
        """Declare it; `extra` is added to its spec."""
        key = f"keyFile: {self.key_file}, keyFileShared: true"
        return f"""\
---
apiVersion: reconciler/v1alpha1
kind: RemoteNode
metadata: {{name: {self.name}}}
spec: {{address: 127.0.0.1, port: {self.port}, {key}, connectTimeout: {self.connect_timeout}{extra}}}
"""

    def start(self) -> None:
        """Start the agent, and wait until it listens."""
        self.end()
        agent_file = build_agent_file(self.folder)
        command = [sys.executable, "-I", "-S", str(agent_file), "serve", "--listen", f"127.0.0.1:{self.port}"]
        files = ["--key-file", str(self.key_file), "--state", str(self.folder / "state")]
        before = self.words("listening on")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *files, "--node", self.name, *self._options],
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        self.wait_for_words("listening on", before + 1)

    def send(self, number: signal.Signals) -> None:
        """Send the agent's own process a signal."""
        assert self._process is not None
        os.kill(self._process.pid, number)

    def wait_for_end(self) -> int:
        """Return the exit code of the agent, once it has ended by itself."""
        assert self._process is not None
        return self._process.wait(TIMEOUT_S)

    def end(self) -> None:
        """Kill the agent, if it still runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def words(self, words: str) -> int:
        """Return how often the agent has said something."""
        return self.log.read_text().count(words) if self.log.exists() else 0

    def wait_for_words(self, words: str, count: int = 1) -> None:
        """Wait until the agent has said something so many times."""
        end = time.monotonic() + TIMEOUT_S
        while self.words(words) < count:
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.02)


def dummy_on(machine: Machine, name: str, ledger: Path, prefer: str = "") -> str:
    """Declare a resource that runs on a machine, and prefers it to all others."""
    return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Resource
metadata: {{name: {name}}}
spec:
  agent: "ocf:reconciler:Dummy"
  params: {{ledger: {ledger}}}
  op: {{monitor: {{interval: 1s, timeout: 20s}}}}
  placement: {{prefer: {{{machine.name}: 100{prefer}}}}}
"""
