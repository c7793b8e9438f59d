"""What is in guests is related to them where something follows from that, and only there."""

from dataclasses import replace

from reconciler.model.history import FailureCount, History
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import NodeKind, NodeState
from reconciler.model.observed import Failure, Observed
from reconciler.model.resource import Role
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.nodes import survey
from reconciler.plan.place.placement import place
from reconciler.plan.recovery import decide
from reconciler.plan.settle.settle import Settled, settle
from reconciler.plan.settle.tasks import START, STOP, TaskName
from tests.plan.worlds import (
    NOW,
    changes,
    dummy,
    empty_world,
    graph,
    guest,
    intent,
    nodes,
    online,
    only_on,
    plan,
    running,
    seen,
)
from tests.plan.worlds import settle as at_rest


def settled(asked: Intent, observed: Observed) -> Settled:
    situation = survey(asked, observed, History(), NOW)
    return settle(situation, decide(situation, place(situation)))


def related(asked: Intent, observed: Observed) -> set[tuple[TaskName, TaskName]]:
    found = settled(asked, observed).relations.by_then.values()
    return {(relation.first, relation.then) for relations in found for relation in relations}


def in_a_guest(**fields: object) -> Intent:
    return intent("h1", guest("vm1", "g1", **fields), dummy("a"), only_on("a", "g1"))


def test_what_starts_with_its_guest_and_what_is_kept_in_it_has_no_relations() -> None:
    asked = in_a_guest()
    assert related(asked, empty_world(asked)) == set()
    assert related(asked, at_rest(asked, empty_world(asked))) == set()


def test_what_runs_in_a_guest_that_stops_is_stopped_for_it() -> None:
    asked = in_a_guest()
    world, stopped = at_rest(asked, empty_world(asked)), in_a_guest(state=Role.STOPPED)
    assert (("a", STOP), ("vm1", STOP)) in related(stopped, world)
    assert changes(plan(stopped, world)) == ["stop guest/vm1 h1", "stop resource/a g1"]


def _held(decision: Decision) -> Decision:
    return replace(decision, fate=Fate.HOLD, obstacle="no room")


def test_what_is_to_run_in_a_guest_that_cannot_start_is_held_for_it() -> None:
    asked = in_a_guest()
    situation = survey(asked, empty_world(asked), History(), NOW)
    wanted = decide(situation, place(situation))
    held = settle(situation, [d if d.resource.id != "vm1" else _held(d) for d in wanted])
    found = {(r.first, r.then) for relations in held.relations.by_then.values() for r in relations}
    assert found == {(("vm1", START), ("a", START))}
    (a,) = [d for d in held.decisions.values() if d.resource.id == "a"]
    assert a.obstacle == "its guest vm1 does not run: no room"


def test_what_ends_with_a_guest_that_waits_for_its_next_try_is_not_started_in_it() -> None:
    asked = in_a_guest()
    refused = Failure(operation="connect", rc=1, text="refused")
    world = at_rest(asked, empty_world(asked))
    world = seen(world, running(asked, "vm1", "h1", failure=refused))
    world = nodes(world, online("g1", kind=NodeKind.GUEST, state=NodeState.PENDING))
    failures = FailureCount(count=1, last_at=NOW, operation="connect", text="refused")
    transition = plan(asked, world, History(failures={(ResourceId("vm1"), NodeName("h1")): failures}))
    assert changes(transition) == ["stop guest/vm1 h1", "stop resource/a g1"]
    assert graph(transition) == {"vm1_stop_0@h1": []}
    assert [b.text for b in transition.blocked if b.address == "resource/a"] == [
        "its guest vm1 does not run: connect failed on h1: refused; next try after a pause"
    ]
