"""Settings and parameters with rules: what a CIB says with them, compared by hand with crm_simulate 2.1.5."""

from dataclasses import replace

import pytest

from reconciler.model.names import NodeName
from reconciler.model.node import HostState
from reconciler.model.resource import OnFail, Role
from reconciler.model.rule import AttributeTest, Comparison, DateTest, OperationOverride, Override
from reconciler.pacemaker.digests import parameters_digest
from reconciler.pacemaker.simulation import simulation_document
from reconciler.pacemaker.to_yaml import Converted
from tests.pacemaker.cibs import cib, dummy, meta, op, ran, read, simulate
from tests.pacemaker.test_to_yaml import ANY, assert_same, converted, loaded, plan_of

STAYS = '<rsc_location id="l" rsc="a" node="n1" score="100"/>'
PAST = '<date_expression id="d" operation="gt" start="2020-01-01"/>'
FUTURE = '<date_expression id="d" operation="gt" start="2040-01-01"/>'
MONITOR = '<operations><op id="m" name="monitor" interval="10s">{}</op></operations>'


def params(name: str, pairs: dict[str, str], rule: str = "", score: int = 0, tag: str = "instance") -> str:
    inside = "".join(
        f'<nvpair id="{name}{n}" name="{k}" value="{v}"/>' for n, (k, v) in enumerate(pairs.items())
    )
    inside = f'<rule id="{name}r">{rule}</rule>{inside}' if rule else inside
    return f'<{tag}_attributes id="{name}" score="{score}">{inside}</{tag}_attributes>'


def compares(attribute: str, value: str, operation: str = "eq", name: str = "e") -> str:
    return f'<expression id="{name}" attribute="{attribute}" operation="{operation}" value="{value}"/>'


def started(digest: dict[str, str], monitored: dict[str, str] | None = None) -> str:
    """It was started, and is monitored, on n1 with these parameters."""
    of_monitor = digest if monitored is None else monitored
    return ran(
        "a",
        op("start", 1, op_digest=parameters_digest(digest)),
        op("monitor", 2, interval=10_000, op_digest=parameters_digest(of_monitor, 20_000)),
    )


def lines(data: bytes) -> object:
    return simulation_document(simulate(data))["transition"]


BY_NAME = params("p", {"state": "A"}, compares("#uname", "n1"), 2) + params("q", {"state": "B", "x": "1"})
"""A on n1, and B elsewhere."""


@pytest.mark.parametrize(
    ("with_params", "want"),
    [
        ({"state": "A", "x": "1"}, []),
        ({"state": "B", "x": "1"}, ["* Restart    a   ( n1 )  due to resource definition change"]),
    ],
)
def test_parameters_are_those_of_the_node(with_params: dict[str, str], want: list[str]) -> None:
    data = cib(dummy("a", BY_NAME + MONITOR.format("")), STAYS, started(with_params))
    assert lines(data) == want
    assert_same(data)


def test_a_weaker_block_adds_to_a_stronger_one_where_its_rule_holds() -> None:
    blocks = params("p", {"state": "B"}, score=5) + params(
        "q", {"state": "A", "y": "2"}, compares("rack", "r1"), 2
    )
    data = cib(dummy("a", blocks), STAYS, started({"state": "B", "y": "2"}))
    (override,) = read(data).intent.overrides
    rack = AttributeTest(name="rack", comparison=Comparison.EQ, value="r1")
    assert replace(override, where=ANY) == Override(
        resource=override.resource, when=rack, where=ANY, params={"y": "2"}
    )
    assert lines(data) == []
    assert_same(data)


def test_a_moved_resource_is_started_with_the_parameters_of_its_new_node() -> None:
    data = cib(dummy("a", BY_NAME), STAYS.replace("n1", "n2"), started({"state": "A", "x": "1"}))
    found = simulate(data).transition.actions
    starts = [
        (a.node, a.uses.params) for a in found.values() if a.kind.value == "start" and a.uses is not None
    ]
    assert starts == [(NodeName("n2"), {"state": "B", "x": "1"})]
    assert_same(data)


@pytest.mark.parametrize("rule", [compares("#uname", "n1"), compares("#uname", "n9", "ne")])
def test_settings_do_not_look_at_nodes(rule: str) -> None:
    data = cib(dummy("a", params("p", {"target-role": "Stopped"}, rule, tag="meta")))
    assert read(data).intent.overrides == ()
    assert lines(data) == ["* Start      a   ( n1 )"]
    text = "the rule pr is written as what it says at the time of the CIB"
    assert [(loss.feature, loss.text) for loss in converted(data).lost] == [("rule", text)]


@pytest.mark.parametrize(("when", "state"), [(PAST, Role.STOPPED), (FUTURE, Role.STARTED)])
def test_what_a_group_says_at_times_holds_for_members_that_say_nothing(when: str, state: Role) -> None:
    by_date = params("p", {"target-role": "Stopped"}, when, tag="meta")
    data = cib(f'<group id="g">{by_date}{dummy("a")}{dummy("b", meta(target_role="Started"))}</group>')
    assert [(o.resource, o.state) for o in read(data).intent.overrides] == [("a", Role.STOPPED)]
    assert [str(line) for line in lines(data) if " a " in line] == (  # type: ignore[attr-defined]  # it is a list
        ["* Start      a   ( n1 )"] if state is Role.STARTED else []
    )
    assert_same(data)


def test_what_is_known_of_the_kind_of_a_resource_is_no_override() -> None:
    rule = '<rsc_expression id="e" class="ocf" provider="test"/>'
    defaults = f"<rsc_defaults>{params('d', {'resource-stickiness': '5'}, rule, tag='meta')}</rsc_defaults>"
    data = cib(dummy("a")).replace(b"</configuration>", f"{defaults}</configuration>".encode())
    found = converted(data)
    assert (read(data).intent.overrides, found.lost) == ((), ())
    assert [r.stickiness for r in loaded(found).resources.values()] == [5]


def test_the_name_of_the_cluster_is_known() -> None:
    blocks = params("p", {"state": "A"}, compares("#cluster-name", "shop"), 2) + params("q", {"state": "B"})
    option = '<nvpair id="o2" name="cluster-name" value="shop"/>'
    data = cib(dummy("a", blocks), options=option)
    given = read(data).intent
    assert ([r.params for r in given.resources.values()], given.overrides) == ([{"state": "A"}], ())
    assert_same(data)


def written_overrides(found: Converted) -> object:
    (spec,) = [d["spec"] for d in found.documents if d["kind"] == "Resource"]
    assert isinstance(spec, dict)
    return spec["overrides"]


def test_overrides_are_written_in_the_words_of_yaml() -> None:
    at_times = {
        "target-role": "Stopped", "is-managed": "false", "priority": "-INFINITY", "resource-stickiness": "5",
        "migration-threshold": "3", "failure-timeout": "60", "multiple-active": "stop_only",
    }  # fmt: skip
    blocks = params("m", at_times, FUTURE, tag="meta") + BY_NAME
    data = cib(dummy("a", blocks))
    assert written_overrides(converted(data)) == [
        {"when": {"nodes": ["n1"]}, "params": {"state": "A"}},
        {
            "when": {"date": {"from": "2040-01-01T00:00:01Z"}},
            "stickiness": 5,
            "priority": "-INFINITY",
            "failureLimit": 3,
            "failureTimeout": "1m",
            "multipleActive": "stop",
            "state": "stopped",
            "managed": False,
        },
    ]
    assert_same(data)
    (_, by_date) = loaded(converted(data)).overrides
    assert by_date.when == DateTest(since=2_208_988_801)


def test_what_is_no_condition_here_is_written_as_what_it_says_now() -> None:
    data = cib(dummy("a", params("p", {"state": "A"}, compares("#id", "1"), 2)))
    text = "the rules of settings of a are written as what they say at the time of the CIB"
    assert [(loss.feature, loss.text) for loss in converted(data).lost] == [("rule", text)]
    assert loaded(converted(data)).overrides == ()


@pytest.mark.parametrize(
    ("monitored", "want"), [({}, {"a_monitor_10000@n1"}), ({"OCF_CHECK_LEVEL": "10"}, set())]
)
def test_a_monitor_with_other_parameters_of_its_own_is_armed_anew(
    monitored: dict[str, str], want: set[str]
) -> None:
    own = params("o", {"OCF_CHECK_LEVEL": "10"})
    data = cib(dummy("a", MONITOR.format(own)), STAYS, started({}, monitored))
    assert {a for a in simulate(data).transition.actions if "@n1" in a} == want
    assert_same(data)


@pytest.mark.parametrize(
    ("with_params", "want"),
    [({}, ["* Restart    a   ( n1 )  due to resource definition change"]), ({"wait": "5"}, [])],
)
def test_parameters_of_the_start_alone_count_as_what_it_was_started_with(
    with_params: dict[str, str], want: list[str]
) -> None:
    own = f'<operations><op id="s" name="start" interval="0">{params("o", {"wait": "5"})}</op></operations>'
    status = ran("a", op("start", 1, op_digest=parameters_digest(with_params)))
    data = cib(dummy("a", own), STAYS, status)
    assert lines(data) == want
    assert_same(data)


OPERATIONS = (
    '<operations><op id="m" name="monitor" interval="10s" on-fail="block">{}</op><op id="s" name="start">{}</op>'
    "</operations>"
)


@pytest.mark.parametrize("rule", [PAST, FUTURE])
@pytest.mark.parametrize(
    "inside",
    [
        OPERATIONS.format("@meta", "@params"),
        OPERATIONS.format("@params", "@meta"),
        '<utilization id="u" score="1"><nvpair id="u1" name="cpu" value="4"/><rule id="ur">@rule</rule></utilization>'
        '<utilization id="v"><nvpair id="v1" name="cpu" value="2"/></utilization>',
    ],
)
def test_operations_and_utilization_may_differ_from_time_to_time(inside: str, rule: str) -> None:
    settings = {"timeout": "90s", "on-fail": "standby", "enabled": "true"}
    text = inside.replace("@meta", params("om", settings, rule, tag="meta")).replace("@rule", rule)
    data = cib(dummy("a", text.replace("@params", params("op", {"x": "1"}, rule))), STAYS)
    assert_same(data)
    assert len(loaded(converted(data)).overrides) == (1 if "utilization" in inside else 2)
    assert converted(data).lost == ()


@pytest.mark.parametrize("rule", [PAST, FUTURE])
def test_the_defaults_of_operations_may_differ_from_time_to_time(rule: str) -> None:
    data = cib(dummy("a", OPERATIONS.format("", params("o", {"timeout": "7s"}, tag="meta"))), STAYS)
    block = params("d", {"timeout": "3m", "on-fail": "standby"}, rule, tag="meta")
    data = data.replace(b"<nodes>", f"<op_defaults>{block}</op_defaults><nodes>".encode())
    assert_same(data)
    said = [override.operations for override in loaded(converted(data)).overrides]
    start = OperationOverride(name="start", on_fail=OnFail.STANDBY)
    monitor = OperationOverride(name="monitor", interval_ms=10_000, timeout_ms=180_000)
    assert said == [(monitor,), (start,)]


@pytest.mark.parametrize("rule", [PAST, FUTURE])
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("maintenance-mode", "true"),
        ("stop-all-resources", "true"),
        ("no-quorum-policy", "freeze"),
        ("placement-strategy", "balanced"),
        ("node-health-red", "-7"),
        ("stonith-timeout", "2m"),
        ("stop-orphan-resources", "false"),
        ("enable-startup-probes", "false"),
    ],
)
def test_cluster_options_may_differ_from_time_to_time(option: str, value: str, rule: str) -> None:
    block = (
        f'<cluster_property_set id="t" score="9"><nvpair id="t1" name="{option}" value="{value}"/>'
        f'<rule id="tr">{rule}</rule></cluster_property_set></crm_config>'
    )
    data = cib(dummy("a"), STAYS, started({})).replace(b"</crm_config>", block.encode())
    health = ("health",) if "health" in option else ()
    (given,) = read(data).intent.policy_overrides
    (got,) = loaded(converted(data)).policy_overrides
    assert (got.fields, got.when) == ((*health, *given.fields), given.when)
    assert [getattr(got.policy, name) for name in given.fields] == [
        getattr(given.policy, name) for name in given.fields
    ]
    assert plan_of(loaded(converted(data)), read(data)) == plan_of(read(data).intent, read(data))
    assert converted(data).lost == ()


@pytest.mark.parametrize("rule", [PAST, FUTURE])
def test_attributes_and_utilization_of_nodes_may_differ_from_time_to_time(rule: str) -> None:
    said = {"standby": "on", "rack": "r9", "#health-disk": "yellow"}
    blocks = params("t", said, rule, 9) + (
        f'<utilization id="u"><nvpair id="u1" name="cpu" value="4"/><rule id="ur">{rule}</rule></utilization>'
    )
    by_rack = f'<rsc_location id="k"  rsc="a"><rule id="kr" score="500">{compares("rack", "r9")}</rule></rsc_location>'
    data = cib(dummy("a"), STAYS + by_rack, started({}))
    data = data.replace(b'uname="n1"><inst', f'uname="n1">{blocks}<inst'.encode())
    assert_same(data)
    assert loaded(converted(data)).node_overrides[0].labels == {"rack": "r9", "#health-disk": "yellow"}
    assert converted(data).lost == ()


def test_a_remote_node_may_be_in_standby_for_a_time() -> None:
    node = f'<node id="g" type="remote" uname="g">{params("t", {"standby": "on"}, PAST)}</node></nodes>'
    data = cib(dummy("vm", meta(remote_node="g")) + dummy("a")).replace(b"</nodes>", node.encode())
    assert_same(data)
    assert [(o.node, o.state) for o in loaded(converted(data)).node_overrides] == [("g", HostState.STANDBY)]


def test_options_that_have_no_field_are_written_as_they_are_now() -> None:
    block = (
        '<cluster_property_set id="t"><nvpair id="t1" name="node-pending-timeout" value="5min"/>'
        f'<rule id="tr">{PAST}</rule></cluster_property_set></crm_config>'
    )
    data = cib(dummy("a"), STAYS).replace(b"</crm_config>", block.encode())
    text = "the rule tr is written as what it says at the time of the CIB"
    assert [(loss.feature, loss.text) for loss in converted(data).lost] == [("rule", text)]
    assert_same(data)
