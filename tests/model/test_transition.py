from dataclasses import fields, replace

from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.observed import StartedAs
from reconciler.model.resource import ResourceAgent
from reconciler.model.transition import Action, ActionKind, Reason


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
        is_forced=True,
        fencing="off",
    )
    assert all(getattr(action, f.name) != f.default for f in fields(Action)), "a new field needs a value here"
    assert action.waiting_for((ActionId("b"),)) == replace(action, after=(ActionId("b"),))
