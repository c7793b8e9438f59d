from dataclasses import replace

from reconciler.model.digest import digest_of, guest_digest, start_parameters
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import AgentAddress, AgentFlavor, GuestType, RemoteNode
from reconciler.model.observed import StartedAs
from reconciler.model.resource import Guest, Hardware, Resource, ResourceAgent, Role

WHERE = Where(file="a.yaml", line=1)
HERE = NodeName("h1")
REMOTE = RemoteNode(name=NodeName("g"), where=WHERE, agent=AgentAddress(address="192.0.2.1"))


def guest(kind: GuestType = GuestType.LXC, remote: RemoteNode | None = REMOTE, **fields: object) -> Resource:
    base = Resource(
        id=ResourceId("vm"),
        agent=ResourceAgent(standard="guest", type=kind.value),
        where=WHERE,
        guest=Guest(type=kind, hardware=Hardware(rootfs="/srv/root")),
        remote_node=remote,
    )
    return replace(base, **fields)  # type: ignore[arg-type]  # tests name real fields


def with_agent(**fields: object) -> RemoteNode:
    return replace(REMOTE, agent=replace(REMOTE.agent, **fields))  # type: ignore[arg-type]  # tests name real fields


def test_a_digest_is_16_hex_digits_and_ignores_the_order_of_mappings_and_sets() -> None:
    one, other = digest_of({"a": 1, "b": frozenset("xyz")}), digest_of({"b": frozenset("zyx"), "a": 1})
    assert one == other
    assert len(one) == 16
    assert int(one, 16) >= 0


def test_digests_tell_types_of_values_apart() -> None:
    assert len({digest_of(v) for v in ("1", 1, True, None, [1], {"1": 1}, Role.STARTED)}) == 7


def test_moving_a_document_in_its_file_changes_no_digest() -> None:
    moved = guest(where=Where(file="b.yaml", line=77), fields={"spec": WHERE}, rank=9, stickiness=5)
    assert guest_digest(moved) == guest_digest(guest())


def test_what_a_domain_is_made_from_changes_its_digest() -> None:
    changed = [
        guest(GuestType.VM),
        guest(guest=Guest(type=GuestType.LXC, hardware=Hardware(rootfs="/srv/other"))),
        guest(remote=replace(REMOTE, name=NodeName("h"))),
        guest(remote=with_agent(flavor=AgentFlavor.STOCK)),
        guest(remote=with_agent(key_file="/etc/pacemaker/authkey")),
        guest(remote=None),
    ]
    assert len({guest_digest(r) for r in [guest(), *changed]}) == len(changed) + 1


def test_a_new_key_restarts_a_guest_only_if_its_agent_is_a_stock_one() -> None:
    for flavor in AgentFlavor:
        before, after = (guest(remote=with_agent(flavor=flavor, key_epoch=epoch)) for epoch in (0, 1))
        assert (guest_digest(before) == guest_digest(after)) is (flavor is AgentFlavor.RECONCILER)


def test_where_an_agent_is_reached_restarts_no_guest() -> None:
    for remote in (with_agent(address="192.0.2.9"), with_agent(port=1), with_agent(connect_timeout_ms=1)):
        assert guest_digest(guest(remote=remote)) == guest_digest(guest())


def test_a_process_guest_is_started_with_its_address() -> None:
    base = guest_digest(guest(GuestType.PROCESS))
    assert guest_digest(guest(GuestType.PROCESS, with_agent(port=1))) != base
    assert guest_digest(guest(GuestType.PROCESS, with_agent(address="127.0.0.9"))) != base


def test_resources_are_started_with_their_params_and_guests_with_their_digest() -> None:
    agent = ResourceAgent(standard="ocf", provider="heartbeat", type="Dummy")
    dummy = Resource(id=ResourceId("d"), agent=agent, where=WHERE, params={"state": "a"})
    assert start_parameters(dummy, HERE) == StartedAs(agent=agent, params={"state": "a"})
    want = StartedAs(agent=guest().agent, params={"digest": guest_digest(guest())})
    assert start_parameters(guest(), HERE) == want
