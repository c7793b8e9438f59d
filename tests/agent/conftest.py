"""Fixtures of the agent's tests."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import agent
from reconciler.world.agent_file import pack_agent
from tests.agent.controller import Agent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent's one file, as guests get it."""
    path = tmp_path_factory.mktemp("agent") / "agent.pyz"
    path.write_bytes(pack_agent(Path(agent.__file__).parent))
    return path


@pytest.fixture
def agents(archive: Path, tmp_path: Path) -> Iterator[Callable[..., Agent]]:
    """Make agents that are ended with the test."""
    made: list[Agent] = []

    def make(name: str = "agent", python: str = sys.executable) -> Agent:
        folder = tmp_path / name
        folder.mkdir()
        made.append(Agent(archive, folder, python))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.fixture
def running(agents: Callable[..., Agent]) -> Agent:
    """One agent that listens on its Unix socket."""
    one = agents()
    one.start()
    return one


@pytest.fixture
def scripts(tmp_path: Path) -> Callable[[str, str], None]:
    """Write OCF resource agents of provider `test` below tmp_path/ocf, for `--ocf-root`."""
    folder = tmp_path / "ocf" / "resource.d" / "test"
    folder.mkdir(parents=True)

    def write(name: str, text: str) -> None:
        path = folder / name
        path.write_text("#!/bin/sh\n" + text, encoding="utf-8")
        path.chmod(0o755)

    return write


@pytest.fixture
def scripted(agents: Callable[..., Agent], tmp_path: Path) -> Agent:
    """An agent that has the resource agents of `scripts`."""
    one = agents()
    one.start("--ocf-root", str(tmp_path / "ocf"))
    return one
