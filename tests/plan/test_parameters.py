"""Parameters against what the resource agent, on the node that has it, says it takes."""

from dataclasses import replace

import pytest

from reconciler.model.agent_metadata import AgentMetadata, ParameterMetadata
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName
from reconciler.model.node import HostState
from reconciler.model.observed import Observed
from reconciler.model.resource import Operation
from reconciler.model.transition import Blocked
from tests.plan.worlds import MONITOR, changes, dummy, empty_world, graph, intent, plan, running, seen, settle

METADATA = AgentMetadata(
    digest="v1",
    parameters={
        "state": ParameterMetadata(),
        "size": ParameterMetadata(content="integer", is_reloadable=True),
        "fast": ParameterMetadata(content="boolean", is_reloadable=True),
        "mode": ParameterMetadata(content="select", options=("a", "b")),
    },
    reload="reload-agent",
)
NEEDY = replace(METADATA, parameters={**METADATA.parameters, "ip": ParameterMetadata(is_required=True)})


def asked_with(**params: str) -> Intent:
    return intent("h1", dummy("a", params=params))


def world(asked: Intent, metadata: AgentMetadata = METADATA, *nodes: str) -> Observed:
    agents = {(NodeName(node), "ocf:reconciler:Dummy"): metadata.digest for node in nodes or ("h1",)}
    return replace(empty_world(asked), agents=agents, metadata={metadata.digest: metadata})


@pytest.mark.parametrize(
    ("params", "metadata", "want"),
    [
        (
            {"sate": "/x"},
            METADATA,
            "ocf:reconciler:Dummy has no parameter sate; did you mean state?",
        ),
        (
            {"q": "1"},
            METADATA,
            "ocf:reconciler:Dummy has no parameter q; it has fast, mode, size, state",
        ),
        ({"q": "1"}, AgentMetadata(digest="v0"), "ocf:reconciler:Dummy has no parameter q; it has none"),
        ({"size": "big"}, METADATA, "parameter size of ocf:reconciler:Dummy is not a whole number"),
        ({"fast": "2"}, METADATA, "parameter fast of ocf:reconciler:Dummy is not true or false"),
        ({"mode": "c"}, METADATA, "parameter mode of ocf:reconciler:Dummy is not one of a, b"),
        ({}, NEEDY, "ocf:reconciler:Dummy needs the parameter ip; write it below params"),
    ],
)
def test_what_a_resource_agent_would_not_take_is_not_started(
    params: dict[str, str], metadata: AgentMetadata, want: str
) -> None:
    asked = asked_with(**params)
    planned = plan(asked, world(asked, metadata))
    assert [(b.address, b.text) for b in planned.blocked] == [("resource/a", want)]
    assert graph(planned) == {"a_probe_0@h1": []}


@pytest.mark.parametrize(
    "params",
    [
        {"size": " -5", "fast": "Yes", "mode": "b", "state": "anything"},
        {"size": "", "fast": ""},
        {"OCF_CHECK_LEVEL": "10", "trace_ra": "1", "CRM_meta_x": "1"},
    ],
)
def test_what_it_takes_is_started(params: dict[str, str]) -> None:
    asked = asked_with(**params)
    assert changes(plan(asked, world(asked))) == ["start resource/a -> h1"]


def test_where_nothing_is_known_of_it_nothing_is_claimed() -> None:
    asked = asked_with(sate="/x")
    assert changes(plan(asked, world(asked, METADATA, "h2"))) == ["start resource/a -> h1"]


def test_the_place_of_the_parameter_is_named() -> None:
    at = replace(dummy("a").where, line=12)
    declared = dummy("a", params={"sate": "/x"}, fields={"spec.params.sate": at})
    asked = intent("h1", declared)
    (blocked,) = plan(asked, world(asked)).blocked
    assert isinstance(blocked, Blocked)
    assert blocked.where == at


def test_the_place_of_a_parameter_of_the_start_is_named() -> None:
    at = replace(dummy("a").where, line=12)
    start = Operation(name="start", params={"sate": "/x"})
    declared = dummy("a", operations=(start,), fields={"spec.op.start.params.sate": at})
    asked = intent("h1", declared)
    (blocked,) = plan(asked, world(asked)).blocked
    assert isinstance(blocked, Blocked)
    assert blocked.where == at


def test_what_runs_goes_on_with_what_it_was_started_with_and_is_stopped_if_it_fails() -> None:
    before, asked = asked_with(), asked_with(size="big")
    there = seen(world(asked), running(before, "a", "h1"))
    planned = plan(asked, there)
    assert (graph(planned), len(planned.blocked)) == ({}, 1)
    moved = replace(asked, hosts={n: replace(h, state=HostState.STANDBY) for n, h in asked.hosts.items()})
    assert "a_stop_0@h1" in graph(plan(moved, there))


def test_what_can_be_taken_up_is_reloaded_and_watched_with_it_from_then_on() -> None:
    before, asked = asked_with(size="1", state="/x"), asked_with(size="2", fast="yes", state="/x")
    there = seen(world(asked), running(before, "a", "h1"))
    planned = plan(asked, there)
    assert changes(planned) == ["reload resource/a h1 -> h1"]
    assert graph(planned) == {
        "a_reload-agent_0@h1": [],
        f"a_monitor_{MONITOR.interval_ms}@h1": ["a_reload-agent_0@h1"],
    }
    assert {a.operation for a in planned.actions.values()} == {"reload-agent", ""}
    assert {tuple((a.uses.params if a.uses else {}).items()) for a in planned.actions.values()} == {
        (("size", "2"), ("fast", "yes"), ("state", "/x"))
    }
    assert graph(plan(asked, settle(asked, there))) == {}


def test_one_change_that_cannot_be_taken_up_is_a_restart() -> None:
    before, asked = asked_with(size="1", state="/x"), asked_with(size="2", state="/y")
    there = seen(world(asked), running(before, "a", "h1"))
    assert changes(plan(asked, there)) == ["restart resource/a h1 -> h1"]
    without = replace(METADATA, reload="")
    assert changes(
        plan(asked_with(size="2"), seen(world(asked, without), running(asked_with(), "a", "h1")))
    ) == ["restart resource/a h1 -> h1"]
