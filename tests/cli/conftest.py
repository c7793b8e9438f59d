"""The command in this process: quick, and with the exit codes that a shell would see."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.cli.main import main
from reconciler.world.state_folder import state_folder

DECLARED = """\
apiVersion: reconciler/v1alpha1
kind: Cluster
metadata: {name: clitest}
---
apiVersion: reconciler/v1alpha1
kind: Host
metadata: {name: host1}
spec: {agent: local}
---
apiVersion: reconciler/v1alpha1
kind: Resource
metadata: {name: FAKE}
spec:
  agent: "ocf:reconciler:Dummy"
"""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def declared(tmp_path: Path) -> Path:
    """A folder without git that declares a host and a resource."""
    folder = tmp_path / "declared"
    folder.mkdir()
    (folder / "cluster.yaml").write_text(DECLARED)
    return folder


@pytest.fixture
def repository(declared: Path) -> Path:
    """The same in git."""
    git(declared, "init", "-q", "-b", "main")
    git(declared, "add", "-A")
    git(declared, "commit", "-q", "-m", "first")
    return declared


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def bare(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `reconcile` with nothing but the given arguments."""

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["reconcile", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def cli(bare: Run, declared: Path, tmp_path: Path) -> Iterator[Run]:
    """Run `reconcile` on the declared folder, with a state folder that is not there yet."""
    state = tmp_path / "state"
    yield lambda *arguments: bare("-C", str(declared), "--state", str(state), *arguments)
    shutil.rmtree(state_folder(None, state).runtime, ignore_errors=True)
