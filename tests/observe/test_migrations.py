"""What may have left, or arrived, counts at both ends until it is known."""

from dataclasses import replace

import pytest

from reconciler.model.digest import start_parameters
from reconciler.model.history import Migration, MigrationPhase
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.observed import Failure, Instance
from reconciler.model.resource import Role
from reconciler.observe.migrations import ends_of_migrations
from reconciler.observe.nodes import NodeView
from tests.plan.worlds import dummy, intent, running

A, H1, H2 = ResourceId("a"), NodeName("h1"), NodeName("h2")
ASKED = intent("h1 h2", dummy("a"))
HERE = running(ASKED, "a", "h1")
THERE = Instance(resource=A, node=H2, role=Role.STARTED, started_as=start_parameters(dummy("a"), H2))
BEGUN = Migration(source=H1, target=H2, lives={H1: "1", H2: "2"}, uses=start_parameters(dummy("a"), H1))
HEARD = {H1: NodeView(name=H1), H2: NodeView(name=H2)}
STAYED = Failure(operation="migrate_to", rc=1, text="its move to h2 did not succeed")
LOST = Failure(operation="migrate_from", rc=1, text="it did not arrive on h2")


@pytest.mark.parametrize(
    ("phase", "ends", "source", "target"),
    [
        (MigrationPhase.SENDING, (H1, H2), HERE, THERE),
        (MigrationPhase.SENT, (H1, H2), replace(HERE, migrating_to=H2), replace(THERE, migrating_from=H1)),
        (MigrationPhase.SENT, (H1,), replace(HERE, failure=LOST, can_migrate=False), None),
        (MigrationPhase.SENT, (H2,), None, replace(THERE, migrating_from=H1)),
        (MigrationPhase.TAKEN, (H1,), replace(HERE, migrated_to=H2), None),
        (MigrationPhase.FAILED, (H1, H2), replace(HERE, failure=STAYED, can_migrate=False), THERE),
    ],
    ids=["sending", "sent", "did-not-arrive", "source-gone", "taken", "failed"],
)
def test_each_phase_says_what_is_at_both_ends(
    phase: MigrationPhase, ends: tuple[NodeName, ...], source: Instance | None, target: Instance | None
) -> None:
    migration = replace(BEGUN, phase=phase, lives={node: BEGUN.lives[node] for node in ends})
    stopped = Instance(resource=A, node=H2, role=Role.STOPPED)
    want = {key: i for key, i in (((A, H1), source), ((A, H2), target)) if i is not None}
    assert ends_of_migrations({A: migration}, HEARD, {(A, H1): HERE, (A, H2): stopped}) == want


def test_an_end_that_was_not_heard_of_is_unknown() -> None:
    migration = replace(BEGUN, phase=MigrationPhase.SENT)
    found = ends_of_migrations({A: migration}, {H1: NodeView(name=H1)}, {(A, H1): HERE})
    note = "it was being moved from h1 to h2, and h2 was not heard of since"
    assert found[(A, H2)] == replace(THERE, role=Role.UNKNOWN, note=note)
