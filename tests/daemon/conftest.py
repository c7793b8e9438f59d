"""Stages that leave nothing running."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.daemon.machines import Machine
from tests.daemon.stage import Stage


@pytest.fixture
def machines(stage: Stage) -> Iterator[Callable[..., Machine]]:
    """Make machines by name, whose agents end with the test."""
    made: list[Machine] = []

    def make(name: str, *options: str) -> Machine:
        made.append(Machine(stage, name, *options))
        return made[-1]

    yield make
    for machine in made:
        machine.end()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.end()
