from dataclasses import replace

from reconciler.model.names import ActionId, NodeName
from reconciler.model.transition import Action, ActionKind, Transition


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
    before = action("r_stop_0@n")
    after = action("r_stop_0@n")
    after.wait_for((ActionId("b"),))
    assert after == replace(before, after=(ActionId("b"),))
