import pytest

from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import AgentAddress, RemoteNode
from reconciler.model.resource import (
    MultipleActive,
    OnFail,
    Operation,
    Requires,
    Resource,
    ResourceAgent,
    Role,
)
from tests.load.texts import HOST, load_text, problems_of, resource


def resource_of(text: str) -> Resource:
    loaded = load_text(HOST + text)
    assert [str(problem) for problem in loaded.problems if problem.code != "not-yet"] == []
    assert loaded.intent is not None
    (found,) = loaded.intent.resources.values()
    return found


START = Operation(name="start", timeout_ms=20_000)
STOP = Operation(name="stop", timeout_ms=20_000)
MONITOR = Operation(name="monitor", interval_ms=10_000, timeout_ms=20_000)


def test_a_resource_with_nothing_but_an_agent() -> None:
    want = Resource(
        id=ResourceId("FAKE"),
        agent=ResourceAgent(standard="ocf", provider="heartbeat", type="Dummy"),
        where=Where(file="a.yaml", line=8, column=18),
        operations=(START, STOP, MONITOR),
        stickiness=1,
        failure_limit=3,
    )
    assert resource_of(resource("FAKE")) == want


def test_a_resource_with_everything() -> None:
    text = resource(
        "FAKE",
        "params: {a: x, b: 17, c: true, d: '0755'}",
        "op:",
        "  start: {timeout: 1m, onFail: stop, params: {wait: 5}}",
        "  stop: {timeout: 2m, onFail: block}",
        "  monitor:",
        "  - {interval: 5s, timeout: 3s, onFail: ignore, role: Started}",
        "  - {interval: 5001ms, enabled: false}",
        "state: stopped",
        "managed: false",
        "stickiness: -INFINITY",
        "priority: 7",
        "failureLimit: 0",
        "failureTimeout: 1h",
        "startFailureIsFatal: true",
        "rank: 3",
        "remoteNode: {name: n}",
        agent="systemd:nginx",
    )
    want = Resource(
        id=ResourceId("FAKE"),
        agent=ResourceAgent(standard="systemd", type="nginx"),
        where=Where(file="a.yaml", line=8, column=18),
        params={"a": "x", "b": "17", "c": "true", "d": "0755"},
        operations=(
            Operation(name="start", timeout_ms=60_000, on_fail=OnFail.STOP, params={"wait": "5"}),
            Operation(name="stop", timeout_ms=120_000, on_fail=OnFail.BLOCK),
            Operation(
                name="monitor", interval_ms=5000, timeout_ms=3000, on_fail=OnFail.IGNORE, role=Role.STARTED
            ),
            Operation(name="monitor", interval_ms=5001, timeout_ms=20_000, enabled=False),
        ),
        state=Role.STOPPED,
        is_managed=False,
        stickiness=-1_000_000,
        priority=7,
        failure_limit=0,
        failure_timeout_ms=3_600_000,
        start_failure_is_fatal=True,
        rank=3,
        remote_node=RemoteNode(
            name=NodeName("n"),
            where=Where(file="a.yaml", line=26, column=22),
            agent=AgentAddress(address="n"),
        ),
    )
    assert resource_of(text) == want


@pytest.mark.parametrize(
    ("lines", "want"),
    [
        ((), (MONITOR,)),
        (("op: {}",), (MONITOR,)),
        (("op: {monitor: {}}",), (MONITOR,)),
        (("op: {monitor: []}",), ()),
        (("op: {monitor: {interval: 3s}}",), (Operation(name="monitor", interval_ms=3000),)),
        (("op: {monitor: [{interval: 3s}, {}]}",), (Operation(name="monitor", interval_ms=3000), MONITOR)),
    ],
)
def test_monitors(lines: tuple[str, ...], want: tuple[Operation, ...]) -> None:
    assert resource_of(resource("FAKE", *lines)).monitors() == want


def test_two_monitors_with_one_interval_are_refused() -> None:
    want = [
        "11:23: error[duplicate]: two monitors have the interval 10000ms; give each another interval, if only by 1ms"
    ]
    assert problems_of(HOST + resource("FAKE", "op: {monitor: [{}, {interval: 10s}]}")) == want


def test_a_monitor_may_be_left_as_it_is() -> None:
    (monitor,) = resource_of(resource("a", "op: {monitor: {interval: 3s, enabled: unchanged}}")).operations[
        2:
    ]
    assert monitor == Operation(name="monitor", interval_ms=3000, is_left_alone=True)


def test_a_monitor_is_enabled_or_not_or_left_alone() -> None:
    want = [
        '11:41: error[bad-value]: spec.op.monitor.enabled: "maybe" is not possible; write true, false or unchanged'
    ]
    assert problems_of(HOST + resource("a", "op: {monitor: {interval: 3s, enabled: maybe}}")) == want


def test_parameters_may_be_called_by_their_position() -> None:
    assert resource_of(resource("a", 'params: {"1": r0}')).params == {"1": "r0"}


def test_a_resource_agent_of_ocf_by_path_is_warned_of() -> None:
    assert problems_of(HOST + resource("a", agent="ocf:heartbeat:/usr/lib/cts/Dummy")) == [
        "10:3: warning[found-nowhere]: no node finds ocf:heartbeat:/usr/lib/cts/Dummy: resource agents of ocf are "
        "files in the folder of their provider; put it there, and write ocf:heartbeat:Dummy"
    ]


def test_reasons_can_point_at_every_field() -> None:
    found = resource_of(resource("FAKE", "params:", "  state: /run/x", "op: {monitor: [{interval: 3s}]}"))
    assert found.at("spec", "params", "state") == Where(file="a.yaml", line=12, column=5)
    assert found.at("spec", "op", "monitor", "0", "interval") == Where(file="a.yaml", line=13, column=19)
    assert found.at("spec", "placement", "prefer") == Where(file="a.yaml", line=9, column=1)


def test_what_a_resource_needs_and_allows() -> None:
    lines = (
        "needs: {vcpus: 2, memory: 1Gi}", "allowMigration: true", "allowUnhealthy: true", "critical: false",
        "requires: nothing", "multipleActive: block", "maintenance: true", "state: unpromoted",
        "op: {monitor: [], promote: {timeout: 1s}, demote: {onFail: fence}, migrateTo: {onFail: ban},",
        "     migrateFrom: {timeout: 2s}, probe: {timeout: 3s, onFail: standby}}",
    )  # fmt: skip
    got = resource_of(resource("a", *lines))
    assert got == Resource(
        id=ResourceId("a"),
        agent=ResourceAgent(standard="ocf", provider="heartbeat", type="Dummy"),
        where=got.where,
        operations=(
            Operation(name="start"),
            Operation(name="stop"),
            Operation(name="migrate_to", on_fail=OnFail.BAN),
            Operation(name="migrate_from", timeout_ms=2_000),
            Operation(name="promote", timeout_ms=1_000),
            Operation(name="demote", on_fail=OnFail.FENCE),
            Operation(name="monitor", timeout_ms=3_000, on_fail=OnFail.STANDBY),
        ),
        state=Role.UNPROMOTED,
        is_managed=False,
        is_monitored=False,
        multiple_active=MultipleActive.BLOCK,
        needs={"vcpus": 2, "memory": 2**30},
        allows_migration=True,
        allows_unhealthy=True,
        requires=Requires.NOTHING,
        is_critical=False,
    )
