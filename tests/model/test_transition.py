from dataclasses import fields, replace

from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.observed import StartedAs
from reconciler.model.resource import ResourceAgent
from reconciler.model.transition import Action, ActionKind, Reason, Transition


def action(name: str, *after: str) -> Action:
    return Action(
        id=ActionId(name),
        kind=ActionKind.CONNECT,
        node=NodeName("n"),
        after=tuple(ActionId(before) for before in after),
    )


def ready(transition: Transition, done: str = "", started: str = "") -> list[str]:
    found = transition.ready(
        frozenset(ActionId(name) for name in done), frozenset(ActionId(name) for name in started)
    )
    return [a.id for a in found]


def test_an_action_is_ready_when_all_before_it_are_done_and_only_once() -> None:
    actions = [action("c", "a", "b"), action("a"), action("b"), action("d", "x")]
    transition = Transition(actions={a.id: a for a in actions})
    assert ready(transition) == ["a", "b"]
    assert ready(transition, done="a", started="ab") == []
    assert ready(transition, done="ab", started="ab") == ["c"]
    assert ready(transition, done="abc", started="abc") == []
    # A predecessor of an earlier transition counts when it is done.
    assert ready(transition, done="x", started="ab") == ["d"]


def test_an_action_with_its_edges_is_otherwise_the_same() -> None:
    action = Action(
        id=ActionId("r_stop_0@n"),
        kind=ActionKind.STOP,
        node=NodeName("n"),
        resource=ResourceId("r"),
        instance=ResourceId("r:0"),
        interval_ms=1,
        timeout_ms=2,
        peer=NodeName("m"),
        uses=StartedAs(agent=ResourceAgent(standard="ocf", provider="p", type="t")),
        after=(ActionId("a"),),
        reasons=(Reason("code", "text"),),
        params={"depth": "1"},
        meta={"notify_type": "pre"},
        operation="reload",
        is_forced=True,
        fencing="off",
    )
    assert all(getattr(action, f.name) != f.default for f in fields(Action)), "a new field needs a value here"
    assert (action.params, action.meta) != ({}, {})
    assert action.waiting_for((ActionId("b"),)) == replace(action, after=(ActionId("b"),))
