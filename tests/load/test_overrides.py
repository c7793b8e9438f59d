from dataclasses import replace

import pytest

from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import HostState
from reconciler.model.resource import MultipleActive, OnFail, Role
from reconciler.model.rule import (
    AttributeTest,
    CalendarRange,
    Comparison,
    DateTest,
    NodeOverride,
    OperationOverride,
    Override,
    Together,
)
from tests.load.test_constraints import intent_of
from tests.load.texts import group, guest, host, load_text, problems_of, resource

WORLD = host("h1", "{agent: local}")  # lines 1 to 5


def test_an_override_says_what_holds_at_a_time() -> None:
    text = WORLD + resource(
        "a",
        "overrides:",
        '  - when: {date: {from: "2026-12-24T18:00:00+01:00", lasting: 2h, hours: 9-16, weekdays: 6-}}',
        "    state: stopped",
        "    managed: false",
        "    stickiness: INFINITY",
        "    failureTimeout: 5m",
        "    multipleActive: block",
        "    params: {x: 1}",
    )
    when = DateTest(
        since=1_798_131_600,
        before=1_798_138_800,
        calendar=(CalendarRange(unit="hours", low=9, high=16), CalendarRange(unit="weekdays", low=6)),
    )
    assert intent_of(text).overrides == (
        Override(
            resource=ResourceId("a"),
            when=when,
            where=Where(file="a.yaml", line=13, column=7),
            params={"x": "1"},
            stickiness=1_000_000,
            failure_timeout_ms=300_000,
            multiple_active=MultipleActive.BLOCK,
            state=Role.STOPPED,
            is_managed=False,
        ),
    )


@pytest.mark.parametrize(
    ("override", "want"),
    [
        (
            "{when: {kind: host}, stickiness: 1}",
            [
                "13:6: error[bad-rule]: settings are the same on every node, so that only the time can decide on them; "
                "write dates only; what depends on nodes stands in placement.rules, "
                "or, for params, in an override of their own"
            ],
        ),
        (
            "{when: {date: {hours: 9}}}",
            ["13:5: error[missing-field]: this override changes nothing; add what holds then"],
        ),
        (
            "{when: {date: {}}, priority: 1}",
            ['13:13: error[bad-rule]: this date is always; write from:, before:, or such as hours: "9-16"'],
        ),
        (
            '{when: {date: {from: "2026-12-24T18:00:00Z", before: "2026-12-24T17:00:00Z"}}, priority: 1}',
            ["13:13: error[bad-rule]: this date is never; let from: be earlier than before:"],
        ),
        (
            "{when: {date: {lasting: 2h}}, priority: 1}",
            [
                "13:20: error[bad-rule]: lasting counts from `from`, and instead of before; "
                "write from: and lasting:, or from: and before:"
            ],
        ),
        (
            '{when: {date: {from: "2026-12-24T18:00:00"}}, priority: 1}',
            [
                "13:26: error[bad-time]: spec.overrides[0].when.date.from: "
                '"2026-12-24T18:00:00" could be in any time zone; '
                "write it as 2026-12-24T18:00:00Z, or +01:00 for Z"
            ],
        ),
        (
            "{when: {date: {hours: nine}}, priority: 1}",
            [
                '13:27: error[bad-value]: spec.overrides[0].when.date.hours: "nine" has characters that can\'t '
                "stand here; it must match ^(-?[0-9]{1,4}|[0-9]{1,4}-[0-9]{0,4})$"
            ],
        ),
    ],
)
def test_overrides_that_make_no_sense_are_refused(override: str, want: list[str]) -> None:
    assert problems_of(WORLD + resource("a", "overrides: [", f"  {override}]")) == want


def test_guests_have_no_parameters() -> None:
    text = WORLD + guest("vm", "overrides: [", "  {when: {date: {hours: 9}}, params: {x: 1}}]", node="g")
    assert [problem.split(": ", 1)[1] for problem in problems_of(text)] == [
        'error[unknown-field]: there is no field "params" in spec.overrides[0]; known are failureLimit, '
        "failureTimeout, managed, multipleActive, needs, op, priority, startFailureIsFatal, state, stickiness, when"
    ]


def test_params_may_differ_by_node() -> None:
    text = WORLD + resource(
        "a",
        "overrides:",
        "  - when: {all: [{label: rack, is: r1}, {date: {hours: 9}}]}",
        "    params: {ip: 192.0.2.1}",
        "  - {when: {nodes: [h1]}, params: {ip: 192.0.2.2}}",
    )
    rack = AttributeTest(name="rack", comparison=Comparison.EQ, value="r1", is_declared=True)
    hours = DateTest(calendar=(CalendarRange(unit="hours", low=9, high=9),))
    name = AttributeTest(name="#uname", comparison=Comparison.EQ, value="h1")
    assert [(o.when, o.params) for o in intent_of(text).overrides] == [
        (Together(kind="all", parts=(rack, hours)), {"ip": "192.0.2.1"}),
        (name, {"ip": "192.0.2.2"}),
    ]


def test_what_a_member_says_goes_before_what_its_group_says_at_times() -> None:
    text = (
        WORLD
        + resource("a", "priority: 7", "overrides: [{when: {date: {hours: 9}}, priority: 8}]")
        + resource("b", "maintenance: true")
        + group("g", "members: [a, b]", "overrides:",
                   "  - {when: {date: {hours: 8}}, priority: 1, state: stopped, managed: true}")
    )  # fmt: skip
    got = [(o.resource, o.priority, o.state, o.is_managed) for o in intent_of(text).overrides]
    assert got == [
        ("a", None, Role.STOPPED, True),
        ("a", 8, None, None),
        ("b", 1, Role.STOPPED, None),
    ]


def test_a_condition_of_a_group_that_makes_no_sense_is_said_once() -> None:
    whole = group("g", "members: [a, b]", "overrides: [{when: {date: {}}, priority: 1}]")
    found = problems_of(WORLD + resource("a") + resource("b") + whole)
    assert [problem.split(": ", 1)[1] for problem in found] == [
        'error[bad-rule]: this date is always; write from:, before:, or such as hours: "9-16"'
    ]


def cluster(*overrides: str) -> str:
    """A cluster whose defaults give resources a priority of 1, with overrides."""
    written = "".join(f"        - {line}\n" for line in overrides)
    spec = "spec:\n  defaults:\n    resource:\n        priority: 1\n        overrides:\n"
    return f"---\napiVersion: reconciler/v1alpha1\nkind: Cluster\nmetadata: {{name: c}}\n{spec}{written}"


def test_defaults_for_agents_hold_where_neither_resource_nor_group_says_anything() -> None:
    text = (
        WORLD
        + cluster('{agents: ["ocf:heartbeat:*"], priority: 2}', '{agents: ["systemd:*"], priority: 3}')
        + resource("a")
        + resource("b", agent="systemd:b")
        + resource("c", agent="lsb:c")
        + resource("d", "priority: 9")
        + resource("e")
        + group("g", "members: [e]", "priority: 8")
    )
    found = intent_of(text)
    assert {r.id: r.priority for r in found.resources.values()} == {"a": 2, "b": 3, "c": 1, "d": 9, "e": 8}
    assert found.overrides == ()


def test_defaults_that_hold_at_times_go_behind_all_that_is_said_closer() -> None:
    text = (
        WORLD
        + cluster(
            "{when: {date: {hours: 9}}, priority: 2, stickiness: 5}",
            '{agents: ["systemd:*"], priority: 3}',
        )
        + resource("a")
        + resource("b", agent="systemd:b")
        + resource("c", "stickiness: 7")
        + resource("d")
        + group("g", "members: [d]", "priority: 8", "overrides: [{when: {date: {hours: 9}}, stickiness: 6}]")
    )
    assert [(o.resource, o.priority, o.stickiness) for o in intent_of(text).overrides] == [
        ("a", 2, 5),
        ("b", None, 5),
        ("c", 2, None),
        ("d", None, 5),
        ("d", None, 6),
    ]


@pytest.mark.parametrize(
    ("override", "want"),
    [
        (
            "{priority: 2}",
            "error[missing-field]: this override always holds; "
            "add agents: or when:, or write it beside overrides:",
        ),
        ('{agents: ["ocf:*"]}', "error[missing-field]: this override changes nothing; add what holds then"),
        (
            "{when: {nodes: [h1]}, priority: 2}",
            "error[bad-rule]: settings are the same on every node, so that only the time can decide on them; "
            "write dates only; what depends on nodes stands in placement.rules",
        ),
    ],
)
def test_defaults_that_make_no_sense_are_refused_once(override: str, want: str) -> None:
    found = problems_of(WORLD + cluster(override) + resource("a") + resource("b"))
    assert [problem.split(": ", 1)[1] for problem in found] == [want]


@pytest.mark.parametrize(
    ("when", "want"),
    [
        ("{label: rack, is: r9}", True),
        ("{all: [{label: rack, is: r1}, {kind: guest}]}", True),
        ("{label: rack, is: r1}", False),
        ("{attribute: rack, is: r9}", False),
        ("{all: [{label: rack, is: r9}, {date: {hours: 9}}]}", False),
    ],
)
def test_params_for_nodes_that_there_are_none_of_are_warned_of(when: str, want: bool) -> None:
    world = host("h1", "{agent: local}", "{rack: r1}")
    found = load_text(world + resource("a", f"overrides: [{{when: {when}, params: {{x: 1}}}}]")).problems
    warning = (
        "a.yaml:12:15: warning[holds-nowhere]: no node is as this override of a asks, so that it changes nothing; "
        "compare it with the labels and names of nodes"
    )
    assert [str(problem) for problem in found] == ([warning] if want else [])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("#unmae", "did you mean #uname?"),
        ("#x", "known are #health-NAME, #kind, #node-unfenced, #uname"),
    ],
)
def test_attributes_that_the_cluster_does_not_have_are_refused(name: str, hint: str) -> None:
    when = f'{{attribute: "{name}", is: h1}}'
    found = problems_of(WORLD + resource("a", f"overrides: [{{when: {when}, params: {{x: 1}}}}]"))
    assert [problem.split(": ", 1)[1] for problem in found] == [
        f'error[bad-rule]: the cluster has no attribute "{name}"; {hint}'
    ]


ANYWHERE = Where(file="", line=1)
AT_NINE = DateTest(calendar=(CalendarRange(unit="hours", low=9, high=9),))


def test_operations_and_needs_may_be_said_for_a_time() -> None:
    text = WORLD + resource(
        "a",
        "op: {monitor: [{interval: 10s}, {interval: 1m}]}",
        "overrides:",
        "  - when: {date: {hours: 9}}",
        "    needs: {memory: 4Ki}",
        "    op:",
        "      start: {timeout: 5m, params: {x: 1}}",
        "      probe: {onFail: ban}",
        "      monitor: [{timeout: 1m}, {interval: 1m, enabled: false, onFail: ignore}]",
    )
    (override,) = intent_of(text).overrides
    assert (override.when, override.needs) == (AT_NINE, {"memory": 4096})
    assert override.operations == (
        OperationOverride(name="start", timeout_ms=300_000, params={"x": "1"}),
        OperationOverride(name="monitor", on_fail=OnFail.BAN),
        OperationOverride(name="monitor", interval_ms=10_000, timeout_ms=60_000),
        OperationOverride(name="monitor", interval_ms=60_000, enabled=False, on_fail=OnFail.IGNORE),
    )


def test_what_is_said_for_a_time_is_said_of_checks_that_are_declared() -> None:
    found = problems_of(
        WORLD + resource("a", "overrides: [{when: {date: {hours: 9}}, op: {monitor: {interval: 3s}}}]")
    )
    assert [problem.split(": ", 1)[1] for problem in found] == [
        "error[bad-reference]: there is no monitor with the interval 3000ms beside these overrides; "
        "write the interval of one that is declared"
    ]


def test_what_is_said_of_operations_does_not_depend_on_nodes() -> None:
    found = problems_of(
        WORLD + resource("a", "overrides: [{when: {kind: host}, op: {stop: {timeout: 3s}}, params: {x: 1}}]")
    )
    assert ["error[bad-rule]: settings are the same on every node" in problem for problem in found] == [True]


def test_the_defaults_of_operations_may_be_said_for_a_time() -> None:
    lines = (
        "{operations: [monitor], when: {date: {hours: 9}}, timeout: 2m, onFail: stop}, "
        '{agents: ["lsb:*"], timeout: 7s}'
    )
    text = (
        WORLD
        + "---\napiVersion: reconciler/v1alpha1\nkind: Cluster\nmetadata: {name: c}\n"
        + f"spec: {{defaults: {{operations: {{overrides: [{lines}]}}}}}}\n"
        + resource("a", "op: {monitor: {onFail: restart}}")
        + resource("b", agent="lsb:b")
    )
    assert [(o.resource, o.when, o.operations) for o in intent_of(text).overrides] == [
        ("a", AT_NINE, (OperationOverride(name="monitor", interval_ms=10_000, timeout_ms=120_000),)),
        ("b", AT_NINE, (OperationOverride(name="monitor", interval_ms=10_000, on_fail=OnFail.STOP),)),
    ]


def test_nodes_may_differ_from_time_to_time() -> None:
    spec = "{agent: local, overrides: [{when: {date: {hours: 9}}, state: standby, health: {disk: red}}]}"
    inside = (
        "{name: g, port: 4001, overrides: [{when: {date: {hours: 9}}, labels: {x: y}, capacity: {cpu: 2}}]}"
    )
    text = host("h1", spec) + guest("vm", f"remoteNode: {inside}")
    found = [replace(override, where=ANYWHERE) for override in intent_of(text).node_overrides]
    assert found == [
        NodeOverride(
            node=NodeName("h1"),
            when=AT_NINE,
            where=ANYWHERE,
            state=HostState.STANDBY,
            labels={"#health-disk": "red"},
        ),
        NodeOverride(
            node=NodeName("g"), when=AT_NINE, where=ANYWHERE, labels={"x": "y"}, capacity={"cpu": 2}
        ),
    ]


CLUSTER = (
    "---\napiVersion: reconciler/v1alpha1\nkind: Cluster\nmetadata: {{name: c}}\nspec: {{overrides: [{}]}}\n"
)


def test_the_whole_cluster_may_differ_from_time_to_time() -> None:
    said = "{when: {date: {hours: 9}}, maintenance: true, fencing: {timeout: 2m}, searched: false}"
    (override,) = intent_of(WORLD + CLUSTER.format(said)).policy_overrides
    assert (override.when, override.fields) == (
        AT_NINE,
        ("in_maintenance", "searches_first", "fence_timeout_ms"),
    )
    policy = override.policy
    assert (policy.in_maintenance, policy.searches_first, policy.fence_timeout_ms) == (True, False, 120_000)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (
            CLUSTER.format("{when: {kind: host}, maintenance: true}"),
            "error[bad-rule]: this holds on every node, so that only the time can decide on it; write dates only",
        ),
        (
            CLUSTER.format("{when: {date: {hours: 9}}}"),
            "error[missing-field]: this override changes nothing; add what holds then",
        ),
        (
            host("h2", "{overrides: [{when: {date: {hours: 9}}}]}"),
            "error[missing-field]: this override changes nothing; add what holds then",
        ),
    ],
)
def test_what_makes_no_sense_of_nodes_and_clusters_is_refused(text: str, want: str) -> None:
    assert [problem.split(": ", 1)[1] for problem in problems_of(WORLD + text)] == [want]
