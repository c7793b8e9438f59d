"""Rules become locations and settings when a plan is made: by labels, attributes and the time."""

from dataclasses import replace

from reconciler.load.record import from_json, to_json
from reconciler.model.constraint import Discovery, Location
from reconciler.model.digest import start_parameters
from reconciler.model.history import History
from reconciler.model.intent import Cluster, Intent
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import HostState
from reconciler.model.observed import Instance, Observed
from reconciler.model.policy import Policy
from reconciler.model.resource import Operation, Role
from reconciler.model.rule import (
    AttributeTest,
    Comparison,
    Condition,
    DateTest,
    LocationRule,
    NodeOverride,
    OperationOverride,
    Override,
    PolicyOverride,
    Together,
    ValueType,
)
from reconciler.model.score import INFINITY
from reconciler.plan.rules import resolved, with_fixed_rules
from reconciler.plan.schedule import schedule
from tests.plan.worlds import MONITOR, NOW, dummy, empty_world, guest, intent, online, running, seen

HERE = Where(file="a.yaml", line=3)
SOON = int(NOW) + 60
SSD = AttributeTest(name="disk", comparison=Comparison.EQ, value="ssd")
DECLARED_SSD = replace(SSD, is_declared=True)
LATER = DateTest(since=SOON)
STOPPED = Instance(resource=ResourceId("a"), node=NodeName("h2"), role=Role.STOPPED)


def rule(when: Condition, score: int = 10, score_attribute: str | None = None) -> LocationRule:
    return LocationRule(
        id="rule",
        resource=ResourceId("a"),
        when=when,
        where=HERE,
        score=score,
        score_attribute=score_attribute,
    )


def location(where: str, score: int) -> Location:
    return Location(
        id=f"rule-{where}", resource=ResourceId("a"), node=NodeName(where), score=score, where=HERE
    )


def ruled(*rules: LocationRule) -> Intent:
    """Two hosts, of which the first says of itself that its disk is an ssd, and one resource."""
    asked = intent("h1 h2", dummy("a"))
    first = replace(asked.hosts[NodeName("h1")], labels={"disk": "SSD", "points": "7"})
    return replace(asked, hosts={**asked.hosts, first.name: first}, location_rules=rules)


def world(**attributes: dict[str, str]) -> Observed:
    nodes = [online(name, attributes=attributes.get(name, {})) for name in ("h1", "h2")]
    return replace(empty_world(ruled()), nodes={status.name: status for status in nodes})


def scores(rules: LocationRule, seen: Observed, now: float = NOW) -> tuple[Location, ...]:
    return resolved(ruled(rules), seen, now).locations


def test_what_is_set_at_run_time_goes_before_what_is_declared() -> None:
    seen = world(h1={"disk": "hdd"}, h2={"disk": "ssd"})
    assert scores(rule(SSD), world()) == (location("h1", 10),)
    assert scores(rule(SSD), seen) == (location("h2", 10),)
    assert scores(rule(DECLARED_SSD), seen) == (location("h1", 10),)


def test_nothing_that_is_set_at_run_time_changes_a_name() -> None:
    name = AttributeTest(name="#uname", comparison=Comparison.EQ, value="h1")
    assert scores(rule(name), world(h2={"#uname": "h1"})) == (location("h1", 10),)


def test_scores_come_from_attributes() -> None:
    anywhere = Together(kind="all", parts=())
    found = scores(rule(anywhere, score_attribute="points"), world(h2={"points": "-INFINITY"}))
    assert found == (location("h1", 7), location("h2", -INFINITY))


def test_what_is_no_number_is_compared_as_text_and_what_is_missing_only_differs() -> None:
    above = AttributeTest(name="load", comparison=Comparison.GT, value="9", value_type=ValueType.NUMBER)
    other = AttributeTest(name="load", comparison=Comparison.NE, value="9")
    assert scores(rule(above), world(h1={"load": "10"}, h2={"load": "high"})) == (
        location("h1", 10),
        location("h2", 10),
    )
    assert scores(rule(above), world()) == ()
    assert scores(rule(other), world(h1={"load": "9"})) == (location("h2", 10),)


def test_a_place_that_becomes_better_with_time_is_moved_to_then() -> None:
    on_second = AttributeTest(name="#uname", comparison=Comparison.EQ, value="h2")
    asked = ruled(rule(Together(kind="all", parts=(on_second, LATER)), score=INFINITY))
    before = schedule(asked, world(), History(), NOW)
    after = schedule(asked, world(), History(), SOON)
    assert (before.placement, before.recheck_at) == ({"a": "h1"}, SOON)
    assert (after.placement, after.recheck_at) == ({"a": "h2"}, None)


def test_settings_hold_for_a_time_and_the_last_counts() -> None:
    calm = Override(resource=ResourceId("a"), when=LATER, where=HERE, state=Role.STOPPED, stickiness=5)
    late = Override(resource=ResourceId("a"), when=LATER, where=HERE, params={"x": "2"}, stickiness=6)
    asked = replace(intent("h1", dummy("a")), overrides=(calm, late))
    declared = asked.resources[ResourceId("a")]
    assert resolved(asked, Observed(), NOW).resources == {"a": declared}
    wanted = replace(declared, state=Role.STOPPED, stickiness=6, params={**declared.params, "x": "2"})
    assert resolved(asked, Observed(), SOON).resources == {"a": wanted}
    assert schedule(asked, world(), History(), NOW).recheck_at == SOON
    assert schedule(asked, world(), History(), SOON).placement == {"a": None}


def by_node(when: Condition, **params: str) -> Override:
    return Override(resource=ResourceId("a"), when=when, where=HERE, params=params)


def test_params_are_those_of_the_node_that_an_action_runs_on() -> None:
    name = AttributeTest(name="#uname", comparison=Comparison.EQ, value="h2")
    asked = replace(ruled(), overrides=(by_node(DECLARED_SSD, x="1", y="1"), by_node(name, x="2")))
    probes = [a for a in schedule(asked, world(), History(), NOW).actions.values() if a.kind.value == "probe"]
    assert {a.node: a.uses.params for a in probes if a.uses is not None} == {
        "h1": {"x": "1", "y": "1"},
        "h2": {"x": "2"},
    }


def test_what_runs_is_restarted_where_its_params_change_with_an_attribute_or_a_date() -> None:
    asked = replace(ruled(), overrides=(by_node(Together(kind="all", parts=(SSD, LATER)), x="1"),))
    calm = world(h1={"disk": "hdd"})
    runs = running(asked, "a", "h1")
    before = seen(calm, runs, STOPPED)
    assert schedule(asked, before, History(), NOW).changes == ()
    assert schedule(asked, before, History(), SOON).changes == ()
    (change,) = schedule(asked, replace(before, nodes=world().nodes), History(), SOON).changes
    assert (change.action, [r.text for r in change.reasons]) == ("restart", ["params.x is set"])


def test_a_live_migration_is_taken_up_with_the_params_of_the_new_node() -> None:
    asked = replace(ruled(), overrides=(by_node(DECLARED_SSD, x="1"),))
    movable = replace(asked.resources[ResourceId("a")], allows_migration=True)
    to_second = Location(id="l", resource=movable.id, node=NodeName("h2"), score=INFINITY, where=HERE)
    asked = replace(asked, resources={movable.id: movable}, locations=(to_second,))
    first = resolved(asked, world(), NOW).resources[movable.id]
    runs = replace(running(asked, "a", "h1"), started_as=start_parameters(first, NodeName("h1")))
    actions = schedule(asked, seen(world(), runs, STOPPED), History(), NOW).actions.values()
    uses = {a.kind.value: a.uses.params for a in actions if a.uses is not None}
    with_x: dict[str, str] = {"x": "1"}
    without: dict[str, str] = {}
    assert uses == {"migrate_to": with_x, "migrate_from": without, "stop": with_x, "monitor": without}


def test_what_a_commit_does_not_decide_bans_nothing_before_there_is_a_plan() -> None:
    asked = ruled(rule(DECLARED_SSD, -INFINITY), rule(SSD, -INFINITY))
    want = (location("h1", -INFINITY), location("h1", 0), location("h2", 0))
    assert with_fixed_rules(asked).locations == want


def test_rules_are_saved_with_the_planners_input() -> None:
    both = Together(kind="any", parts=(SSD, Together(kind="all", parts=(LATER,))))
    asked = ruled(replace(rule(both), discovery=Discovery.EXCLUSIVE, role=Role.PROMOTED))
    override = Override(resource=ResourceId("a"), when=LATER, where=HERE, is_managed=False)
    asked = replace(asked, overrides=(override,))
    assert from_json(Intent, to_json(asked)) == asked


def test_operations_and_needs_hold_for_a_time() -> None:
    often = OperationOverride(name="monitor", interval_ms=10_000, timeout_ms=90_000, params={"x": "2"})
    slow = OperationOverride(name="promote", timeout_ms=60_000)
    override = Override(
        resource=ResourceId("a"), when=LATER, where=HERE, needs={"cpu": 3}, operations=(often, slow)
    )
    asked = replace(intent("h1", dummy("a", needs={"cpu": 1, "memory": 1})), overrides=(override,))
    found = resolved(asked, Observed(), SOON).resources[ResourceId("a")]
    assert found.needs == {"cpu": 3, "memory": 1}
    assert found.operations == (
        replace(MONITOR, timeout_ms=90_000, params={"x": "2"}),
        Operation(name="promote", timeout_ms=60_000),
    )
    assert resolved(asked, Observed(), NOW).resources == asked.resources


def test_what_holds_of_a_node_for_a_time_counts_for_rules_too() -> None:
    standby = NodeOverride(node=NodeName("h1"), when=LATER, where=HERE, state=HostState.STANDBY)
    faster = NodeOverride(node=NodeName("h2"), when=LATER, where=HERE, labels={"disk": "ssd"})
    asked = replace(ruled(rule(SSD)), node_overrides=(standby, faster))
    assert resolved(asked, world(), NOW).locations == (location("h1", 10),)
    assert resolved(asked, world(), SOON).locations == (location("h1", 10), location("h2", 10))
    before = schedule(asked, world(), History(), NOW)
    after = schedule(asked, world(), History(), SOON)
    assert (before.placement, before.recheck_at, after.placement) == ({"a": "h1"}, SOON, {"a": "h2"})


def test_what_a_guest_node_offers_may_differ_from_time_to_time() -> None:
    more = NodeOverride(node=NodeName("g1"), when=LATER, where=HERE, capacity={"cpu": 8})
    asked = replace(intent("h1", guest("vm1", "g1")), node_overrides=(more,))
    nodes = [resolved(asked, Observed(), now).remote_nodes()[NodeName("g1")] for now in (NOW, SOON)]
    assert [node.capacity for node in nodes] == [{}, {"cpu": 8}]


def test_nothing_is_touched_while_the_whole_cluster_is_in_maintenance() -> None:
    paused = Policy(in_maintenance=True)
    window = PolicyOverride(when=LATER, where=HERE, policy=paused, fields=("in_maintenance",))
    asked = replace(intent("h1 h2", dummy("a")), policy_overrides=(window,))
    before = schedule(asked, world(), History(), NOW)
    after = schedule(asked, world(), History(), SOON)
    assert (sorted(before.actions) != [], before.recheck_at) == (True, SOON)
    assert after.actions == {}
    always = replace(asked, cluster=Cluster(policy=paused), policy_overrides=())
    assert schedule(always, world(), History(), NOW).actions == {}


def test_everything_can_be_stopped_at_once_and_for_a_time() -> None:
    stopped = Policy(stops_all=True)
    window = PolicyOverride(when=LATER, where=HERE, policy=stopped, fields=("stops_all",))
    asked = replace(intent("h1", dummy("a"), guest("vm1")), policy_overrides=(window,))
    assert schedule(asked, empty_world(asked), History(), NOW).placement == {"a": "h1", "vm1": "h1"}
    assert schedule(asked, empty_world(asked), History(), SOON).placement == {"a": None, "vm1": None}
    always = replace(asked, cluster=Cluster(policy=stopped), policy_overrides=())
    assert schedule(always, empty_world(always), History(), NOW).placement == {"a": None, "vm1": None}


def test_inputs_with_overrides_of_all_kinds_are_saved_and_come_back() -> None:
    window = PolicyOverride(when=LATER, where=HERE, policy=Policy(), fields=("in_maintenance",))
    standby = NodeOverride(node=NodeName("h1"), when=LATER, where=HERE, state=HostState.STANDBY)
    asked = replace(ruled(), node_overrides=(standby,), policy_overrides=(window,))
    assert from_json(Intent, to_json(asked)) == asked
