"""The history of a resource on a node says what it does there, what failed, and what is to follow from it."""

from dataclasses import replace

import pytest

from reconciler.model.history import FailureCount
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.observed import Failure, Instance, StartedAs
from reconciler.model.operation import Monitor
from reconciler.model.resource import ResourceAgent, Role
from reconciler.pacemaker.digests import parameters_digest
from tests.pacemaker.cibs import NOW, cib, dummy, meta, op, ran, read

MONITOR = '<operations><op id="m" name="monitor" interval="5s"/></operations>'
BLOCKS = '<operations><op id="m" name="monitor" interval="5s" on-fail="block"/></operations>'
EVERY_5_S = Monitor(interval_ms=5000, timeout_ms=20_000)
LOST = Failure(operation="monitor", rc=7, text="return code 7", interval_ms=5000)


def found(*operations: str, inside: str = MONITOR, resource: str = "") -> Instance | None:
    status = ran("r", *operations)
    given = read(cib(resource or dummy("r", inside), status=status))
    return given.observed.instances.get((ResourceId("r"), NodeName("n1")))


def state(instance: Instance | None) -> tuple[Role, Failure | None] | None:
    return None if instance is None else (instance.role, instance.failure)


def test_what_has_not_ended_says_nothing_but_for_a_start_which_may_have_come_through() -> None:
    probe = op("monitor", -1, expected=7, status=-1)
    assert found(probe) is None
    starting = found(op("start", -1, status=-1))
    assert starting is not None
    assert (starting.role, starting.is_starting) == (Role.STARTED, True)


def test_a_later_success_answers_a_failure() -> None:
    failed = op("monitor", 2, rc=7, interval=5000)
    assert state(found(op("start", 1), failed)) == (Role.STARTED, LOST)
    assert state(found(op("start", 1), failed, op("monitor", 3, interval=5000))) == (Role.STARTED, None)
    assert state(found(op("start", 1), failed, op("monitor", 3, interval=9000))) == (Role.STARTED, LOST)
    assert state(found(op("start", 1), failed, op("stop", 3))) == (Role.STOPPED, None)


def test_of_several_failures_the_hardest_counts() -> None:
    failed = found(op("monitor", 1, rc=7, interval=5000), op("start", 2, rc=1), inside=BLOCKS)
    assert state(failed) == (Role.STARTED, LOST)


def test_a_probe_that_misses_the_program_is_no_failure_but_bans_the_node() -> None:
    given = read(cib(dummy("r"), status=ran("r", op("monitor", 1, rc=5, expected=7))))
    key = (ResourceId("r"), NodeName("n1"))
    assert given.observed.instances == {key: Instance(resource=key[0], node=key[1], role=Role.STOPPED)}
    assert given.history.failures == {key: FailureCount(text="see its history", is_fatal=True)}


@pytest.mark.parametrize(("rc", "nodes"), [(1, []), (4, ["n1"]), (6, ["n1", "n2"])])
def test_some_errors_ban_a_node_and_one_bans_all(rc: int, nodes: list[str]) -> None:
    given = read(cib(dummy("r"), status=ran("r", op("start", 1, rc=rc))))
    assert [node for (_, node), failure in given.history.failures.items() if failure.is_fatal] == nodes


def test_degraded_is_as_good_as_running() -> None:
    assert state(found(op("monitor", 1, rc=190, interval=5000))) == (Role.STARTED, None)


def test_what_is_not_managed_has_not_failed_when_it_does_not_run() -> None:
    failed = op("monitor", 2, rc=7, interval=5000)
    resource = dummy("r", meta(is_managed="false") + MONITOR)
    assert state(found(op("start", 1), failed, resource=resource)) == (Role.STOPPED, None)


def test_monitors_are_armed_that_began_after_the_last_start() -> None:
    monitor = op("monitor", 2, interval=5000)
    armed = found(op("start", 1), monitor)
    restarted = found(monitor, op("stop", 3), op("start", 4))
    probed = found(op("monitor", 1, expected=7), monitor)
    assert [i.monitors if i else None for i in (armed, restarted, probed)] == [
        frozenset({EVERY_5_S}),
        frozenset(),
        frozenset({EVERY_5_S}),
    ]


def test_a_failure_is_forgotten_after_its_time_and_its_monitor_armed_anew() -> None:
    resource = dummy("r", meta(failure_timeout="60s") + MONITOR)
    old, new = (str(int(NOW) - ago) for ago in (60, 59))
    forgotten = found(
        op("monitor", 1, rc=7, interval=5000, last_rc_change=old), op("start", 2), resource=resource
    )
    assert state(forgotten) == (Role.STARTED, None)
    recent = op("monitor", 2, rc=7, interval=5000, last_rc_change=new)
    assert state(found(op("start", 1), recent, resource=resource)) == (Role.STARTED, LOST)
    expired = op("monitor", 2, rc=7, interval=5000, last_rc_change=old, op_digest="any")
    rearmed = found(op("start", 1), expired, resource=resource)
    assert rearmed is not None
    assert rearmed.monitors == frozenset({Monitor(interval_ms=5000, timeout_ms=0)})


def test_promotable_instances_are_unpromoted_once_they_run() -> None:
    clone = f'<clone id="c">{meta(promotable="true")}{dummy("r")}</clone>'
    assert state(found(op("start", 1), resource=clone)) == (Role.UNPROMOTED, None)
    assert state(found(op("start", 1), op("promote", 2), resource=clone)) == (Role.PROMOTED, None)
    assert state(found(op("monitor", 1, rc=8, expected=7), resource=clone)) == (Role.PROMOTED, None)
    failed = Failure(operation="demote", rc=1, text="return code 1")
    assert state(found(op("promote", 1), op("demote", 2, rc=1), resource=clone)) == (Role.UNPROMOTED, failed)


def test_what_ran_with_unknown_parameters_is_started_anew_and_its_monitors_armed() -> None:
    unknown = found(op("start", 1, op_digest=""), op("monitor", 2, interval=5000, op_digest=""))
    assert unknown is not None
    assert (unknown.started_as, unknown.monitors) == (
        StartedAs(
            agent=ResourceAgent(standard="ocf", provider="test", type="Dummy"), params={"op-digest": ""}
        ),
        frozenset({replace(EVERY_5_S, timeout_ms=0)}),
    )


def test_an_empty_list_of_parameters_that_ask_for_a_restart_names_none() -> None:
    params = '<instance_attributes id="i"><nvpair id="p" name="a" value="1"/></instance_attributes>'
    every, none = parameters_digest({"a": "1"}), parameters_digest({})
    listed = op("start", 1, op_digest=every, op_restart_digest=none, op_force_restart="")
    kept = found(listed, inside=params)
    started_anew = found(op("start", 1, op_digest=every, op_restart_digest=none), inside=params)
    assert [i.started_as.params if i and i.started_as else None for i in (kept, started_anew)] == [
        {"a": "1"},
        {"op-digest": every},
    ]


def test_parameters_that_need_no_restart_are_reloaded_unless_others_changed_too() -> None:
    params = '<instance_attributes id="i"><nvpair id="p" name="a" value="1"/></instance_attributes>'
    same = parameters_digest({"a": "1"})
    reloaded = found(op("start", 1, op_digest="other", op_restart_digest=same), inside=params)
    restarted = found(op("start", 1, op_digest="other", op_restart_digest="another"), inside=params)
    kept = found(op("start", 1, op_digest=same, op_restart_digest=same), inside=params)
    agent = ResourceAgent(standard="ocf", provider="test", type="Dummy")
    assert [(i.needs_reload, i.started_as) for i in (reloaded, restarted, kept) if i] == [
        (True, StartedAs(agent=agent, params={"a": "1"})),
        (False, StartedAs(agent=agent, params={"op-digest": "other"})),
        (False, StartedAs(agent=agent, params={"a": "1"})),
    ]


def test_whatever_ended_as_expected_with_not_running_says_that_it_does_not_run() -> None:
    assert state(found(op("start", 1, rc=7, expected=7))) == (Role.STOPPED, None)


def test_a_monitor_of_a_role_whose_definition_has_changed_is_not_taken_for_armed() -> None:
    of_role = '<operations><op id="m" name="monitor" interval="5s" role="Promoted"/></operations>'
    same = found(op("start", 1), op("monitor", 2, interval=5000), inside=of_role)
    other = found(op("start", 1), op("monitor", 2, interval=5000, op_digest="other"), inside=of_role)
    assert [one.monitors for one in (same, other) if one is not None] == [frozenset({EVERY_5_S}), frozenset()]
