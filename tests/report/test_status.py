from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.constraint import TicketConstraint
from reconciler.model.history import FailureCount, History
from reconciler.model.intent import Intent, Source
from reconciler.model.names import NodeName, ResourceId, TicketName, Where
from reconciler.model.node import (
    AddressFinding,
    AddressOwner,
    AgentAddress,
    HostState,
    LinkReason,
    NodeKind,
    NodeState,
)
from reconciler.model.observed import Failure, Instance, NodeStatus, Observed, Pending
from reconciler.model.problem import Problem
from reconciler.model.resource import ResourceAgent, Role
from reconciler.model.transition import Blocked, Transition
from reconciler.report.status import Present, is_gated, needs_attention, status_document
from tests.plan.worlds import dummy, guest, host, intent, nodes, online, running, seen
from tests.report.schemas import problems

SOURCE = Source(folder="/srv/shop", commit="c0ffee", revision="HEAD")
ASKED = intent("host1", guest("vm-guest1", "guest1"), dummy("FAKE"))
FAKE, VM = ResourceId("FAKE"), ResourceId("vm-guest1")
HOST1, GUEST1 = NodeName("host1"), NodeName("guest1")
CRASHED = Failure(operation="monitor", rc=7, text="not running")


WHOLE = {
    "cluster": "test",
    "source": {
        "commit": "c0ffee",
        "dirty": False,
        "folder": "/srv/shop",
        "revision": "HEAD",
        "refused": None,
    },
    "nodes": [
        {
            "name": "host1",
            "kind": "host",
            "state": "online",
            "reason": None,
            "text": "",
            "standby": False,
            "maintenance": False,
            "attributes": {},
            "resource": None,
            "key": {"epoch": 0, "in_use": None},
            "address": None,
        },
        {
            "name": "guest1",
            "kind": "guest",
            "state": "online",
            "reason": None,
            "text": "",
            "standby": False,
            "maintenance": False,
            "attributes": {},
            "resource": "vm-guest1",
            "key": {"epoch": 0, "in_use": None},
            "address": None,
        },
    ],
    "resources": [
        {
            "name": "vm-guest1",
            "agent": "guest:lxc",
            "role": "Started",
            "nodes": ["host1"],
            "instances": [{"node": "host1", "role": "Started", "pending": False, "failed": False}],
            "declared": True,
            "managed": True,
            "failures": 0,
            "problem": None,
        },
        {
            "name": "FAKE",
            "agent": "ocf:reconciler:Dummy",
            "role": "Started",
            "nodes": ["guest1"],
            "instances": [{"node": "guest1", "role": "Started", "pending": False, "failed": False}],
            "declared": True,
            "managed": True,
            "failures": 0,
            "problem": None,
        },
    ],
    "tickets": [],
    "problems": [],
    "key_fingerprint": "SHA256:abc",
}


def world() -> Observed:
    """All is well: the guest runs, its agent is connected, FAKE runs in it."""
    up = nodes(Observed(), online("host1"), online("guest1", NodeKind.GUEST))
    return seen(up, running(ASKED, "vm-guest1", "host1"), running(ASKED, "FAKE", "guest1"))


def present(observed: Observed | None = None, **fields: Any) -> Present:
    base = Present(
        intent=ASKED,
        source=SOURCE,
        observed=world() if observed is None else observed,
        history=History(),
        transition=Transition(),
    )
    return replace(base, **fields)


def status(observed: Observed | None = None, **fields: Any) -> dict[str, Any]:
    document = status_document(present(observed, **fields))
    assert problems("status", document) == []
    return document


def resource(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in document["resources"] if entry["name"] == name)


def node(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in document["nodes"] if entry["name"] == name)


def test_the_whole_document_when_all_is_well() -> None:
    got = status(key_fingerprint="SHA256:abc")
    assert got == WHOLE
    assert not needs_attention(got)


@pytest.mark.parametrize("owner", list(AddressOwner))
def test_a_guest_tells_whether_its_address_is_known_to_be_its_own(owner: AddressOwner) -> None:
    finding = AddressFinding(owner=owner, text="why")
    known = {GUEST1: NodeStatus(name=GUEST1, kind=NodeKind.GUEST, state=NodeState.ONLINE, address=finding)}
    got = status(Observed(nodes=known))
    assert node(got, "guest1")["address"] == {"confirmed": owner is AddressOwner.GUEST, "text": "why"}


@pytest.mark.parametrize("in_use", [None, 1, 2])
def test_a_node_with_a_derived_key_tells_its_epochs(in_use: int | None) -> None:
    fake = guest("vm-guest1", "guest1")
    assert fake.remote_node is not None
    agent = AgentAddress(address="192.0.2.1", key_epoch=2)
    keyed = replace(fake, remote_node=replace(fake.remote_node, agent=agent))
    known = {GUEST1: NodeStatus(name=GUEST1, kind=NodeKind.GUEST, state=NodeState.ONLINE, key_epoch=in_use)}
    got = status(Observed(nodes=known), intent=intent("host1", keyed))
    assert node(got, "guest1")["key"] == {"epoch": 2, "in_use": in_use}


def test_what_was_never_heard_of_is_unknown() -> None:
    waiting = Blocked(address="resource/FAKE", text="host1 was not heard of yet", code="waiting")
    got = status(Observed(), transition=Transition(blocked=(waiting,)))
    assert [n["state"] for n in got["nodes"]] == ["unknown", "unknown"]
    fake = resource(got, "FAKE")
    assert (fake["role"], fake["nodes"], fake["problem"]) == ("Unknown", [], "host1 was not heard of yet")
    assert got["problems"] == [
        {
            "severity": "warning",
            "code": "waiting",
            "text": "host1 was not heard of yet",
            "address": "resource/FAKE",
        }
    ]
    assert needs_attention(got)


def test_an_agent_that_cannot_be_trusted_is_offline_and_says_why() -> None:
    rogue = NodeStatus(
        name=GUEST1,
        kind=NodeKind.GUEST,
        state=NodeState.PENDING,
        reason=LinkReason.WRONG_KEY,
        text="it has another key",
    )
    got = node(status(nodes(world(), rogue)), "guest1")
    assert (got["state"], got["reason"], got["text"]) == ("offline", "wrong-key", "it has another key")


def test_an_agent_that_is_only_awaited_is_pending() -> None:
    slow = NodeStatus(
        name=GUEST1, kind=NodeKind.GUEST, state=NodeState.PENDING, reason=LinkReason.REFUSED, text="not yet"
    )
    assert node(status(nodes(world(), slow)), "guest1")["state"] == "pending"


def test_hosts_show_what_is_asked_of_them() -> None:
    hosts = {
        h.name: h
        for h in (
            replace(host("a"), state=HostState.STANDBY),
            replace(host("b"), state=HostState.MAINTENANCE),
        )
    }
    got = status(intent=Intent(hosts=hosts))
    assert [(n["standby"], n["maintenance"]) for n in got["nodes"]] == [(True, False), (False, True)]


def test_a_failed_resource_is_shown_where_it_failed() -> None:
    observed = seen(world(), running(ASKED, "FAKE", "guest1", failure=CRASHED))
    counts = {
        (FAKE, GUEST1): FailureCount(count=2),
        (FAKE, HOST1): FailureCount(count=1),
        (VM, HOST1): FailureCount(count=9),
    }
    got = status(observed, history=History(failures=counts))
    fake = resource(got, "FAKE")
    assert (fake["role"], fake["nodes"], fake["failures"]) == ("Stopped", [], 3)
    assert fake["instances"] == [{"node": "guest1", "role": "Stopped", "pending": False, "failed": True}]
    assert needs_attention(got)


def test_a_resource_that_could_never_run_on_a_node_has_not_failed_there() -> None:
    missing = Failure(operation="monitor", rc=5, text="not installed", is_hard=True)
    observed = seen(world(), Instance(resource=FAKE, node=HOST1, role=Role.STOPPED, failure=missing))
    got = status(observed)
    assert [i["node"] for i in resource(got, "FAKE")["instances"]] == ["guest1"]
    assert not needs_attention(got)


def test_a_resource_that_may_run_is_unknown_and_counts_as_there() -> None:
    observed = seen(world(), running(ASKED, "FAKE", "guest1", role=Role.UNKNOWN))
    got = status(observed)
    assert (resource(got, "FAKE")["role"], resource(got, "FAKE")["nodes"]) == ("Unknown", ["guest1"])
    assert needs_attention(got)


def test_a_resource_in_two_places_shows_both() -> None:
    got = resource(status(seen(world(), running(ASKED, "FAKE", "host1"))), "FAKE")
    assert got["nodes"] == ["guest1", "host1"]


def test_what_is_under_way_is_pending() -> None:
    stopped = seen(world(), Instance(resource=FAKE, node=GUEST1, role=Role.STOPPED))
    under_way: Any = Pending(id="x", kind="start", node=HOST1, resource=FAKE)  # type: ignore[arg-type]  # any text will do
    busy: Any = Pending(id="y", kind="stop", node=HOST1, resource=VM)  # type: ignore[arg-type]  # any text will do
    got = status(replace(stopped, pending=(under_way, busy)))
    assert resource(got, "FAKE")["instances"] == [
        {"node": "host1", "role": "Stopped", "pending": True, "failed": False}
    ]
    assert resource(got, "vm-guest1")["instances"] == [
        {"node": "host1", "role": "Started", "pending": True, "failed": False}
    ]


def test_what_is_blocked_says_why_and_needs_attention() -> None:
    blocked = Blocked(address="guest/vm-guest1", text="no host can run it", where=Where(file="a", line=1))
    got = status(transition=Transition(blocked=(blocked,)))
    assert resource(got, "vm-guest1")["problem"] == "no host can run it"
    assert got["problems"] == [
        {"severity": "error", "code": "blocked", "text": "no host can run it", "address": "guest/vm-guest1"}
    ]
    assert needs_attention(got)


def test_a_stopped_resource_that_is_to_be_stopped_is_fine() -> None:
    got = status(seen(world(), Instance(resource=FAKE, node=GUEST1, role=Role.STOPPED)))
    assert (resource(got, "FAKE")["role"], resource(got, "FAKE")["instances"]) == ("Stopped", [])
    assert not needs_attention(got)


def test_what_is_removed_and_still_there_is_listed_last() -> None:
    old = ResourceAgent(standard="ocf", provider="x", type="Old")
    instance = running(ASKED, "FAKE", "guest1")
    assert instance.started_as is not None
    left = replace(instance, resource=ResourceId("OLD"), started_as=replace(instance.started_as, agent=old))
    got = status(seen(world(), left))
    assert got["resources"][-1] == {
        "name": "OLD",
        "agent": "ocf:x:Old",
        "role": "Started",
        "nodes": ["guest1"],
        "instances": [{"node": "guest1", "role": "Started", "pending": False, "failed": False}],
        "declared": False,
        "managed": True,
        "failures": 0,
        "problem": "no longer declared, and still there",
    }


def test_a_gate_asks_a_person_and_is_no_failure() -> None:
    asked = intent("host1", dummy("FAKE"))
    gate = Blocked(address="guest/vm-guest1", text="this would remove 2 guests", code="max-destroy")
    got = status(intent=asked, transition=Transition(gates=(gate,)))
    assert resource(got, "vm-guest1")["problem"] == "this would remove 2 guests"
    assert got["problems"] == [
        {
            "severity": "warning",
            "code": "max-destroy",
            "text": "this would remove 2 guests",
            "address": "guest/vm-guest1",
        }
    ]
    assert (needs_attention(got), is_gated(got)) == (False, True)
    assert not is_gated(status())


def test_a_host_that_is_lost_needs_attention_even_when_nothing_runs_there() -> None:
    for state, want in [(NodeState.UNCLEAN, True), (NodeState.UNKNOWN, True), (NodeState.OFFLINE, False)]:
        lost = NodeStatus(name=HOST1, kind=NodeKind.HOST, state=state)
        assert (state, needs_attention(status(nodes(world(), lost)))) == (state, want)


def test_a_refused_commit_and_its_problems_are_shown() -> None:
    wrong = Problem(where=Where(file="a.yaml", line=3, column=5), code="unknown-field", text="no field x")
    hint = Problem(where=Where(file="b.yaml", line=1), code="odd", text="odd", severity="warning")
    got = status(refused="bad" * 5, problems=(wrong, hint))
    assert got["source"]["refused"] == "bad" * 5
    assert got["problems"] == [
        {
            "severity": "error",
            "code": "unknown-field",
            "text": "a.yaml:3:5: error[unknown-field]: no field x",
            "address": None,
        },
        {"severity": "warning", "code": "odd", "text": "b.yaml:1:1: warning[odd]: odd", "address": None},
    ]
    assert needs_attention(got)
    assert not needs_attention(status(problems=(hint,)))


def test_what_lacks_its_ticket_is_told_and_needs_no_attention() -> None:
    need = TicketConstraint(id="t", resource=FAKE, ticket=TicketName("T"), where=Where(file="a.yaml", line=9))
    asked = replace(ASKED, tickets=(need,))
    lacking = Blocked(
        address="resource/FAKE", text="ticket T is not granted", where=need.where, code="ticket"
    )
    present = Present(
        intent=asked,
        source=SOURCE,
        observed=nodes(Observed(), online("host1"), online("guest1", NodeKind.GUEST)),
        history=History(),
        transition=Transition(blocked=(lacking,)),
    )
    document = status_document(present)
    assert problems("status", document) == []
    assert document["resources"][1]["problem"] == "ticket T is not granted"
    assert document["problems"] == [
        {
            "severity": "warning",
            "code": "ticket",
            "text": "ticket T is not granted",
            "address": "resource/FAKE",
        }
    ]
    assert [(t["name"], t["granted"]) for t in document["tickets"]] == [("T", False)]
    assert not needs_attention(document)
    document["resources"][1]["role"] = "Unknown"
    assert needs_attention(document)
