"""The one file runs under every Python from 3.9 to 3.13 that this machine has, without site-packages."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.wire import Poke, PokeNotice

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.agent.controller import Agent

pytestmark = pytest.mark.slow

VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13")


def find_interpreter(version: str) -> str | None:
    """Find a Python that runs: pyenv's programs on PATH exist even when they fail."""
    roots = [Path(os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv")))]
    candidates = [str(path) for root in roots for path in root.glob(f"versions/{version}.*/bin/python3")]
    on_path = shutil.which(f"python{version}")
    for candidate in (*candidates, *([on_path] if on_path else [])):
        command = [candidate, "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode == 0 and result.stdout.strip() == version:
            return candidate
    return None


@pytest.mark.parametrize("version", VERSIONS)
def test_the_agent_serves_under_python(version: str, agents: Callable[..., Agent], tmp_path: Path) -> None:
    python = find_interpreter(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version}")
    one = agents(python=python)
    one.start_tls()
    client = one.connect_tls()
    assert client.rc(Poke()) == 0
    assert client.notice(PokeNotice) == PokeNotice()
    client.add("p1", "ocf:reconciler:Process")
    params = {"command": "sleep 1h", "ledger": str(tmp_path / "ledger")}
    results = [
        client.run("p1", action, params) for action in ("monitor", "start", "monitor", "stop", "monitor")
    ]
    assert [(result.exec_rc, result.exit_reason) for result in results] == [
        (7, ""),
        (0, ""),
        (0, ""),
        (0, ""),
        (7, ""),
    ]
    assert "Traceback" not in (one.folder / "log").read_text(encoding="utf-8")


def test_some_interpreter_was_found() -> None:
    assert any(find_interpreter(version) for version in VERSIONS)
