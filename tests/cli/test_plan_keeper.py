import asyncio
import logging
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from reconciler.cli.plan_keeper import MAX_WAITING, PlanKeeper
from reconciler.load.record import load_plan_input
from reconciler.model.errors import StateError
from reconciler.model.history import History
from reconciler.model.transition import Transition
from reconciler.ports import Journal
from reconciler.report.plan import plan_document
from reconciler.sim.clock import Inline
from reconciler.sim.eventloop import run as run_in_virtual_time
from reconciler.world.journal import SqliteJournal
from tests.plan.worlds import dummy, empty_world, intent, plan

ASKED = intent("host1", dummy("FAKE"))
WORLD = empty_world(ASKED)
PLAN = plan(ASKED, WORLD)


def note(keeper: PlanKeeper, now: float, transition: Transition = PLAN) -> None:
    keeper.note(ASKED, WORLD, History(), now, transition)


def kept(path: Path, act: Callable[[PlanKeeper], object]) -> list[tuple[str, str]]:
    with closing(SqliteJournal(path / "journal.sqlite")) as journal:
        act(PlanKeeper(journal, Inline()))
        return list(journal.plan_inputs())


def test_a_plan_that_does_something_is_kept_with_its_hash(tmp_path: Path) -> None:
    def act(keeper: PlanKeeper) -> None:
        note(keeper, 1.0)
        note(keeper, 2.0, Transition())
        keeper.flush()

    [(plan_hash, text)] = kept(tmp_path, act)
    assert plan_hash == plan_document(PLAN, None)["plan_hash"]
    assert load_plan_input(text) == (ASKED, WORLD, History(), 1.0)


def test_plans_are_written_beside_the_loop_in_their_order(tmp_path: Path) -> None:
    def act(keeper: PlanKeeper) -> None:
        async def run() -> None:
            async with asyncio.TaskGroup() as group:
                task = group.create_task(keeper.run())
                for now in (1.0, 2.0, 3.0):
                    note(keeper, now)
                    await asyncio.sleep(0)
                await asyncio.sleep(0.01)
                task.cancel()

        run_in_virtual_time(run())  # in which a moment is as long as anything takes

    assert [load_plan_input(text)[3] for _, text in kept(tmp_path, act)] == [3.0, 2.0, 1.0]


def test_of_plans_faster_than_the_disk_the_newest_are_kept(tmp_path: Path) -> None:
    def act(keeper: PlanKeeper) -> None:
        for now in range(MAX_WAITING + 5):
            note(keeper, float(now))
        keeper.flush()

    found = [load_plan_input(text)[3] for _, text in kept(tmp_path, act)]
    assert found == [float(n) for n in range(MAX_WAITING + 4, 4, -1)]


def test_a_full_disk_ends_no_controller(caplog: pytest.LogCaptureFixture) -> None:
    class Full:
        def save_plan_input(self, text: str, transition_hash: str) -> None:
            raise StateError(f"disk full, {len(text)} {len(transition_hash)}")

    keeper = PlanKeeper(cast("Journal", Full()), Inline())
    note(keeper, 1.0)
    with caplog.at_level(logging.WARNING):
        keeper.flush()
    assert [r.levelname for r in caplog.records] == ["WARNING"]
