from reconciler.model.names import NodeName, ResourceId
from reconciler.model.observed import Instance, Observed
from reconciler.model.resource import Role

WEB, DB = ResourceId("web"), ResourceId("db")


def instance(resource: ResourceId, node: str, role: Role) -> Instance:
    return Instance(resource=resource, node=NodeName(node), role=role)


def world() -> Observed:
    found = [
        instance(WEB, "n3", Role.UNKNOWN),
        instance(WEB, "n1", Role.STARTED),
        instance(DB, "n1", Role.STARTED),
        instance(WEB, "n2", Role.STOPPED),
    ]
    return Observed(instances={(i.resource, i.node): i for i in found})


def test_instances_of_a_resource_are_in_the_order_of_nodes() -> None:
    assert [i.node for i in world().instances_of(WEB)] == ["n1", "n2", "n3"]


def test_what_is_unknown_counts_as_active() -> None:
    assert world().active_on(WEB) == ("n1", "n3")
    assert world().active_on(ResourceId("other")) == ()
