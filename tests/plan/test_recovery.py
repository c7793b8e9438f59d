"""What is to become of a resource by itself: the mildest step that makes it as declared."""

from reconciler.model.resource import Role
from reconciler.model.transition import ActionKind
from tests.plan.worlds import (
    after,
    changes,
    dummy,
    empty_world,
    graph,
    intent,
    plan,
    prefers,
    running,
    seen,
    settle,
)


def test_what_can_take_up_its_new_parameters_is_reloaded_before_it_is_monitored() -> None:
    asked = intent("h1", dummy("a"))
    world = seen(empty_world(asked), running(asked, "a", "h1", needs_reload=True, monitors=frozenset()))
    transition = plan(asked, world)
    assert changes(transition) == ["reload resource/a h1 -> h1"]
    assert [c.is_disruptive for c in transition.changes] == [False]
    assert graph(transition) == {
        "a_reload-agent_0@h1": [],
        "a_monitor_10000@h1": ["a_reload-agent_0@h1"],
    }
    assert plan(asked, settle(asked, world)).actions == {}


def test_what_is_stopped_for_another_reason_is_not_reloaded_too() -> None:
    first = dummy("first", state=Role.STOPPED)
    asked = intent("h1 h2", first, dummy("a"), dummy("b"), after("a", "first"), prefers("b", "h2"))
    world = seen(
        empty_world(asked),
        running(asked, "first", "h1"),
        running(asked, "a", "h1", needs_reload=True),
        running(asked, "b", "h1", needs_reload=True),
    )
    transition = plan(asked, world)
    assert changes(transition) == ["stop resource/first h1", "stop resource/a h1", "move resource/b h1 -> h2"]
    assert [a.id for a in transition.actions.values() if a.kind is ActionKind.RELOAD] == []
