"""What has to be with something else goes where that goes, and stops when that cannot run."""

from dataclasses import replace

from reconciler.model.resource import Role
from tests.plan.worlds import after, changes, dummy, empty_world, intent, plan, running, seen, with_


def test_what_must_be_with_something_that_can_run_no_longer_is_stopped() -> None:
    first = dummy("first", state=Role.STOPPED)
    asked = intent("h1", first, dummy("a"), dummy("b"), after("a", "first"), with_("b", "a"))
    world = seen(empty_world(asked), *(running(asked, name, "h1") for name in ("first", "a", "b")))
    transition = plan(asked, world)
    assert changes(transition) == ["stop resource/first h1", "stop resource/a h1", "stop resource/b h1"]
    assert [(r.code, r.subject) for r in transition.changes[2].reasons][-1] == ("colocated", "a")


def test_what_must_be_with_something_only_when_promoted_is_started_without_it() -> None:
    first = dummy("first", state=Role.STOPPED)
    asked = intent("h1", first, dummy("a"), dummy("b"), after("a", "first"), with_("b", "a"))
    promoted = replace(asked.colocations[0], dependent_role=Role.PROMOTED)
    world = seen(empty_world(asked), running(asked, "first", "h1"), running(asked, "a", "h1"))
    assert changes(plan(replace(asked, colocations=(promoted,)), world)) == [
        "stop resource/first h1",
        "stop resource/a h1",
        "start resource/b -> h1",
    ]
