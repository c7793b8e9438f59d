"""Where a resource is after a live migration is concluded from both of its ends."""

from reconciler.model.names import NodeName
from reconciler.model.observed import Instance
from reconciler.model.resource import Role
from tests.pacemaker.cibs import cib, dummy, op, ran, read

STARTED = op("start", 1, on_node="n1")
SENT = op("migrate_to", 2, migrate_source="n1", migrate_target="n2", on_node="n1")
PROBED = op("monitor", 1, rc=7, expected=7, on_node="n2")
TAKEN = op("migrate_from", 2, migrate_source="n1", migrate_target="n2", on_node="n2")
REFUSED = op("migrate_from", 2, rc=1, migrate_source="n1", migrate_target="n2", on_node="n2")


def places(
    source: tuple[str, ...], target: tuple[str, ...], *, is_source_lost: bool = False
) -> dict[str, Instance]:
    """What is active where, by the operations on both nodes."""
    text = cib(dummy("r"), status=ran("r", *source)).decode()
    lrm = f'<lrm id="2"><lrm_resources>{ran("r", *target)}</lrm_resources></lrm></node_state></status>'
    text = text.replace('expected="member"/>\n</status>', f'expected="member">{lrm}')
    if is_source_lost:
        text = text.replace('value="false"', 'value="true"').replace('crmd="online"', 'crmd="offline"', 1)
    observed = read(text.encode()).observed
    return {str(i.node): i for i in observed.instances.values() if i.role is not Role.STOPPED}


def test_what_was_sent_and_not_taken_up_yet_may_go_on() -> None:
    found = places((STARTED, SENT), (PROBED,))
    assert {n: (i.migrating_to, i.migrating_from) for n, i in found.items()} == {
        "n1": (NodeName("n2"), None),
        "n2": (None, NodeName("n1")),
    }


def test_what_was_taken_up_remains_to_be_stopped() -> None:
    found = places((STARTED, SENT), (PROBED, TAKEN))
    assert {n: i.migrated_to for n, i in found.items()} == {"n1": NodeName("n2"), "n2": None}


def test_what_was_taken_up_and_stopped_is_where_it_went() -> None:
    assert set(places((STARTED, SENT, op("stop", 3, on_node="n1")), (PROBED, TAKEN))) == {"n2"}


def test_what_was_refused_may_run_at_both_ends() -> None:
    found = places((STARTED, SENT), (PROBED, REFUSED))
    assert {n: i.failure is not None for n, i in found.items()} == {"n1": False, "n2": True}


def test_what_could_not_be_sent_stays_where_it_is_if_it_was_seen_nowhere_else() -> None:
    failed = op("migrate_to", 2, rc=1, migrate_source="n1", migrate_target="n2", on_node="n1")
    found = places((STARTED, failed), ())
    assert {n: i.failure is not None for n, i in found.items()} == {"n1": True}


def test_what_could_not_be_sent_may_be_where_it_was_sent_to_if_nothing_later_is_known_there() -> None:
    failed = op("migrate_to", 2, rc=1, migrate_source="n1", migrate_target="n2", on_node="n1")
    assert set(places((STARTED, failed), (PROBED,))) == {"n1", "n2"}


def test_what_was_being_sent_by_a_node_that_is_lost_is_cleared_where_it_was_sent_to() -> None:
    sending = op("migrate_to", -1, status=-1, migrate_source="n1", migrate_target="n2", on_node="n1")
    found = places((STARTED, sending), (PROBED,), is_source_lost=True)
    assert {n: i.migrated_to for n, i in found.items()} == {"n1": None, "n2": NodeName("n1")}
