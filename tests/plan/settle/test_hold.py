"""What is stopped waits for what stops before it, though nobody may know where that runs."""

from dataclasses import replace

from reconciler.model.intent import Intent
from reconciler.model.names import NodeName
from reconciler.model.observed import Failure, Observed
from reconciler.model.resource import Role
from tests.plan.worlds import (
    after,
    changes,
    dummy,
    empty_world,
    guest,
    intent,
    plan,
    prefers,
    running,
    seen,
)

FAILED = Failure(operation="monitor", rc=7, text="not running", interval_ms=10_000)
LOOKED_FOR = "b, which stops before, may run on h2, which was not heard of yet"


def unheard(asked: Intent, node: str) -> Observed:
    """Every host up but one, which nothing was heard of."""
    world = empty_world(asked)
    return replace(world, nodes={n: s for n, s in world.nodes.items() if n != NodeName(node)})


def test_what_may_run_where_nobody_looked_keeps_up_what_it_starts_after() -> None:
    asked = intent("h1 h2", dummy("a", state=Role.STOPPED), dummy("b"), after("b", "a"))
    transition = plan(asked, seen(unheard(asked, "h2"), running(asked, "a", "h1")))
    assert changes(transition) == []
    found = {b.address: (b.code, b.text) for b in transition.blocked}
    assert found["resource/a"] == ("waiting", LOOKED_FOR)
    assert changes(plan(asked, seen(empty_world(asked), running(asked, "a", "h1")))) == ["stop resource/a h1"]


def test_a_guest_stays_for_what_may_need_what_runs_in_it() -> None:
    asked = intent(
        "h1 h2",
        guest("vm", "g", state=Role.STOPPED),
        dummy("a"),
        dummy("b"),
        prefers("a", "g"),
        after("b", "a"),
    )
    world = seen(unheard(asked, "h2"), running(asked, "vm", "h1"), running(asked, "a", "g"))
    assert changes(plan(asked, world)) == []


def test_what_has_failed_is_stopped_though_what_may_need_it_was_not_found() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"), after("b", "a"))
    world = seen(unheard(asked, "h2"), running(asked, "a", "h1", failure=FAILED))
    assert changes(plan(asked, world)) == ["recover resource/a h1 -> h1"]
