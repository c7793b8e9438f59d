from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import LinkReason
from reconciler.model.observed import Instance
from reconciler.model.resource import Role
from reconciler.observe.nodes import NodeView

WEB, N = ResourceId("web"), NodeName("n")


def test_a_lost_connection_keeps_what_was_known() -> None:
    up = Instance(resource=WEB, node=N, role=Role.STARTED)
    view = NodeView(name=N, incarnation="boot1", is_connected=True, is_known=True).with_instance(up)
    assert view.lost(LinkReason.LOST, "reset") == NodeView(
        name=N,
        incarnation="boot1",
        is_connected=False,
        is_known=True,
        reason=LinkReason.LOST,
        text="reset",
        instances={WEB: up},
    )
