"""Nodes whose agents are asked to stop are emptied, let go, and come back; their guests stay."""

from dataclasses import replace

from reconciler.model.history import ConnectionFailure, History
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import LinkReason
from reconciler.model.observed import Observed, Pending
from reconciler.model.transition import ActionKind, Transition
from reconciler.plan.effects import advance_all
from tests.plan.worlds import NOW, dummy, empty_world, guest, intent, nodes, plan, prefers, settle

G1, VM1, FAKE = NodeName("guest1"), ResourceId("vm1"), ResourceId("FAKE")
ASKED = intent("host1", guest("vm1", "guest1"), dummy("FAKE"), prefers("FAKE", "guest1", 100))


def leaving(observed: Observed) -> Observed:
    return nodes(observed, replace(observed.nodes[G1], is_leaving=True, text="leaving"))


def kinds(transition: Transition) -> list[tuple[str, str]]:
    return sorted((a.kind.value, a.resource or "") for a in transition.actions.values())


def test_a_guest_node_that_leaves_is_emptied_first_and_its_guest_stays() -> None:
    world = leaving(settle(ASKED, empty_world(ASKED)))
    transition = plan(ASKED, world)
    assert transition.placement == {VM1: "host1", FAKE: "host1"}
    (release,) = [a for a in transition.actions.values() if a.kind is ActionKind.RELEASE]
    (stop,) = [a for a in transition.actions.values() if a.kind is ActionKind.STOP]
    assert (release.node, stop.resource, stop.node, stop.id in release.after) == (G1, FAKE, G1, True)


def test_what_is_still_stopping_holds_the_release() -> None:
    world = leaving(settle(ASKED, empty_world(ASKED)))
    (stop_id,) = [a.id for a in plan(ASKED, world).actions.values() if a.kind is ActionKind.STOP]
    stop = Pending(id=stop_id, kind="stop", node=G1, resource=FAKE)
    (release,) = [
        a
        for a in plan(ASKED, replace(world, pending=(stop,))).actions.values()
        if a.kind is ActionKind.RELEASE
    ]
    assert stop.id in release.after


def test_a_node_that_has_left_is_connected_again_and_nothing_moves_before() -> None:
    world = leaving(settle(ASKED, empty_world(ASKED)))
    world = advance_all(world, plan(ASKED, world).actions.values(), {VM1: G1})
    left = replace(world.nodes[G1], reason=LinkReason.LEFT, text="left")
    world = nodes(world, left)
    transition = plan(ASKED, world)
    assert (kinds(transition), transition.placement[FAKE]) == ([("connect", "")], "host1")
    (connect,) = transition.actions.values()
    pending = Pending(id=connect.id, kind="connect", node=G1)
    assert kinds(plan(ASKED, replace(world, pending=(pending,)))) == []
    failed = ConnectionFailure(count=1, last_at=NOW, reason=LinkReason.LEFT, text="left")
    transition = plan(ASKED, world, History(connections={G1: failed}))
    assert (kinds(transition), transition.placement[VM1]) == ([], "host1")
