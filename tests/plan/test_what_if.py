"""What fails on paper fails as it would: hosts for good, guests with all in them, and the rest is planned."""

from dataclasses import replace

import pytest

from reconciler.model.constraint import TicketConstraint
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId, TicketName, Where
from reconciler.model.node import HostState
from reconciler.model.policy import PlacementStrategy
from reconciler.model.rule import DateTest, NodeOverride, Override
from reconciler.plan.what_if import Fared, Fault, Outcome, Overload, World, at_rest, single_failures, what_if
from tests.plan.worlds import NOW, WHERE, clone, dummy, empty_world, guest, intent, only_on, prefers

HOST1 = Fault(hosts=(NodeName("h1"),))


def world(asked: Intent) -> World:
    return at_rest(World(intent=asked, observed=empty_world(asked), history=History(), now=NOW))


def outcome(fault: Fault, **fields: object) -> Outcome:
    nothing = Outcome(fault=fault, moved=(), restarted=(), fewer=(), cannot_run=(), overloads=())
    return replace(nothing, **fields)  # type: ignore[arg-type]  # tests name real fields


def fared(name: str, before: str, after: str, obstacle: str = "") -> Fared:
    def nodes(names: str) -> tuple[NodeName, ...]:
        return tuple(NodeName(n) for n in names.split())

    return Fared(resource=ResourceId(name), before=nodes(before), after=nodes(after), obstacle=obstacle)


@pytest.mark.parametrize("has_fencing", [False, True])
def test_a_failed_host_is_known_dead_with_fencing_and_without(has_fencing: bool) -> None:
    asked = intent("h1 h2", guest("vm", "g"), prefers("vm", "h1"), dummy("r"), prefers("r", "g"))
    policy = replace(asked.cluster.policy, has_fencing=has_fencing, has_watchdog=has_fencing)
    asked = replace(asked, cluster=replace(asked.cluster, policy=policy))
    assert what_if(world(asked), HOST1) == outcome(
        HOST1, moved=(fared("vm", "h1", "h2"),), restarted=(fared("r", "g", "g"),)
    )


def test_what_is_bound_to_a_failed_host_cannot_run_and_says_why() -> None:
    asked = intent("h1 h2", dummy("r"), only_on("r", "h1"))
    text = "h1's agent is not connected (lost): it failed in this simulation"
    assert what_if(world(asked), HOST1) == outcome(HOST1, cannot_run=(fared("r", "h1", "", text),))


def test_a_failed_guest_starts_again_with_all_in_it() -> None:
    fault = Fault(guests=(ResourceId("vm"),))
    asked = intent("h1 h2", guest("vm", "g"), dummy("r"), prefers("r", "g"))
    restarted = (fared("vm", "h1", "h1"), fared("r", "g", "g"))
    assert what_if(world(asked), fault) == outcome(fault, restarted=restarted)


def test_a_resource_that_fails_too_often_moves() -> None:
    fault = Fault(resources=(ResourceId("r"),))
    assert what_if(world(intent("h1 h2", dummy("r"))), fault) == outcome(
        fault, restarted=(fared("r", "h1", "h1"),)
    )
    assert what_if(world(intent("h1 h2", dummy("r", failure_limit=1))), fault) == outcome(
        fault, moved=(fared("r", "h1", "h2"),)
    )


def test_standby_empties_a_host() -> None:
    fault = Fault(standby=(NodeName("h1"),))
    assert what_if(world(intent("h1 h2", dummy("r"))), fault) == outcome(
        fault, moved=(fared("r", "h1", "h2"),)
    )


def test_a_clone_goes_on_with_fewer_instances() -> None:
    asked = intent("h1 h2", dummy("r"), clone("c", "r"))
    assert what_if(world(asked), HOST1) == outcome(HOST1, fewer=(fared("r", "h1 h2", "h2"),))


def with_capacity(asked: Intent, strategy: PlacementStrategy) -> Intent:
    hosts = {name: replace(host, capacity={"cpus": 2}) for name, host in asked.hosts.items()}
    policy = replace(asked.cluster.policy, placement=strategy)
    return replace(asked, hosts=hosts, cluster=replace(asked.cluster, policy=policy))


def test_a_node_is_overloaded_where_needs_are_disregarded() -> None:
    asked = intent("h1 h2", dummy("a", needs={"cpus": 2}), dummy("b", needs={"cpus": 1}))
    lacking = Overload(node=NodeName("h2"), capacity="cpus", needed=3, available=2)
    assert what_if(world(with_capacity(asked, PlacementStrategy.DEFAULT)), HOST1) == outcome(
        HOST1, moved=(fared("a", "h1", "h2"),), overloads=(lacking,)
    )


def test_where_needs_count_what_does_not_fit_cannot_run() -> None:
    asked = intent("h1 h2", dummy("a", needs={"cpus": 2}), dummy("b", needs={"cpus": 1}, priority=1))
    found = what_if(
        world(with_capacity(asked, PlacementStrategy.UTILIZATION)), Fault(hosts=(NodeName("h2"),))
    )
    assert ([f.resource for f in found.cannot_run], found.overloads) == (["a"], ())


def test_each_host_and_each_running_guest_fails_in_turn() -> None:
    besides = Fault(standby=(NodeName("h2"),))
    found = list(single_failures(world(intent("h1 h2", guest("vm"), dummy("r"))), besides))
    assert found == [
        replace(besides, hosts=(NodeName("h1"),)),
        replace(besides, hosts=(NodeName("h2"),)),
        replace(besides, guests=(ResourceId("vm"),)),
    ]


def test_what_holds_for_a_time_is_counted_and_a_fault_goes_before_it() -> None:
    always, where = DateTest(since=0), Where(file="a.yaml", line=1)
    small = NodeOverride(
        node=NodeName("h2"), when=always, where=where, state=HostState.ONLINE, capacity={"cpu": 1}
    )
    large = Override(resource=ResourceId("r"), when=always, where=where, needs={"cpu": 2})
    asked = replace(
        intent("h1 h2", dummy("r"), prefers("r", "h1")), node_overrides=(small,), overrides=(large,)
    )
    overload = Overload(node=NodeName("h2"), capacity="cpu", needed=2, available=1)
    moved = (fared("r", "h1", "h2"),)
    assert what_if(world(asked), HOST1) == outcome(HOST1, moved=moved, overloads=(overload,))
    both = Fault(hosts=HOST1.hosts, standby=(NodeName("h2"),))
    assert [f.resource for f in what_if(world(asked), both).cannot_run] == ["r"]


def test_what_lacks_its_ticket_need_not_run() -> None:
    asked = intent("h1 h2", dummy("r"), dummy("s"), prefers("s", "h2"))
    need = TicketConstraint(id="t", resource=ResourceId("r"), ticket=TicketName("T"), where=WHERE)
    assert what_if(world(replace(asked, tickets=(need,))), HOST1) == outcome(HOST1)
