from reconciler.model.intent import Cluster, Intent
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import AgentAddress, RemoteNode
from reconciler.model.resource import Resource, ResourceAgent

WHERE = Where(file="a.yaml", line=1)


def test_a_clusters_identity_comes_from_its_name_in_any_case() -> None:
    assert Cluster(name="Shop").uuid == Cluster(name="shop").uuid
    assert Cluster(name="shop").uuid != Cluster(name="shop2").uuid


def test_identities_of_members_differ_by_name_and_by_cluster() -> None:
    shop, other = Cluster(name="shop"), Cluster(name="other")
    assert shop.uuid_of("VM1") == shop.uuid_of("vm1")
    assert len({shop.uuid_of("vm1"), shop.uuid_of("vm2"), other.uuid_of("vm1"), shop.uuid}) == 4


def test_identities_never_change_between_versions() -> None:
    # Domains carry them: a change would make every running guest a stranger.
    assert str(Cluster(name="shop").uuid_of("vm1")) == "1dfee6f1-bb81-56d9-b560-3dfd4936808c"


def test_guest_nodes_are_named_by_their_remote_node() -> None:
    remote = RemoteNode(name=NodeName("guest1"), where=WHERE, agent=AgentAddress(address="192.0.2.1"))
    agent = ResourceAgent(standard="guest", type="vm")
    node = Resource(id=ResourceId("vm1"), agent=agent, where=WHERE, remote_node=remote)
    plain = Resource(id=ResourceId("vm2"), agent=agent, where=WHERE)
    intent = Intent(resources={r.id: r for r in (node, plain)})
    assert intent.guest_nodes() == {"guest1": node}
    assert intent.remote_nodes() == {"guest1": remote}
