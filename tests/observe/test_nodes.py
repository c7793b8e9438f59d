import pytest

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import LinkReason
from reconciler.model.observed import Instance
from reconciler.model.operation import StartRecord
from reconciler.model.resource import ResourceAgent, Role
from reconciler.observe.nodes import NodeView, recorded_instance

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


@pytest.mark.parametrize(
    ("phase", "role", "note"),
    [
        ("started", Role.STARTED, ""),
        ("adopted", Role.STARTED, ""),
        ("starting", Role.UNKNOWN, "its start on n was under way when the controller ended"),
        ("failed", Role.UNKNOWN, "its last operation on n had failed when the controller ended"),
    ],
)
def test_a_journal_says_how_something_was_started_if_that_went_well(
    phase: str, role: Role, note: str
) -> None:
    agent = ResourceAgent(standard="systemd", type="web")
    record = StartRecord(
        resource=WEB, agent=agent, params={}, cluster="c", uid="u", commit="", since=0.0, phase=phase
    )
    found = recorded_instance(record, N)
    assert (found.role, found.note) == (role, note)
