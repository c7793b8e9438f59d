"""Bundles in a cluster of ours: a container is the node, and the controller connects it."""

from dataclasses import replace

from reconciler.load.load import load
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import NodeState
from reconciler.model.observed import Observed
from reconciler.model.resource import Role
from reconciler.model.transition import Transition
from reconciler.plan.outlook import ideal_world, settled
from reconciler.plan.schedule import schedule

NOW = 1_000_000.0
HOSTS = "".join(
    f"""\
---
apiVersion: reconciler/v1alpha1
kind: {kind}
metadata: {{name: {name}}}
spec: {spec}
"""
    for kind, name, spec in (
        ("Host", "host1", "{agent: {address: host1.test}}"),
        ("Host", "host2", "{agent: {address: host2.test}}"),
        ("RemoteNode", "far", "{}"),
    )
)
WEB = """\
---
apiVersion: reconciler/v1alpha1
kind: Bundle
metadata: {name: web}
spec: {launcher: podman, image: web, replicas: 2, network: {ipRangeStart: 10.0.0.9}, resource: app%s}
---
apiVersion: reconciler/v1alpha1
kind: Resource
metadata: {name: app}
spec: {agent: "ocf:test:app"}
"""


def asked(more: str = "") -> Intent:
    loaded = load({"a.yaml": (HOSTS + WEB % more).encode()})
    assert loaded.intent is not None, loaded.problems
    return loaded.intent


def plan(intent: Intent, observed: Observed) -> Transition:
    return schedule(intent, observed, History(), NOW)


def at_rest(intent: Intent) -> Observed:
    return settled(intent, ideal_world(intent), History(), NOW)


def before(transition: Transition, name: str) -> set[str]:
    return {str(a) for i, action in transition.actions.items() if i == name for a in action.after}


def places(observed: Observed) -> dict[str, str]:
    return {
        f"{r}@{n}": i.role.value for (r, n), i in observed.instances.items() if i.role is not Role.STOPPED
    }


def test_a_replica_starts_from_the_outside_in_and_is_connected_by_the_controller() -> None:
    planned = plan(asked(), ideal_world(asked()))
    container = planned.placement[ResourceId("web-podman-0")]
    assert planned.placement[ResourceId("web-ip-10.0.0.9")] == container
    assert planned.placement[ResourceId("app:0")] == "web-0"
    start = f"web-podman-0_start_0@{container}"
    assert f"web-ip-10.0.0.9_start_0@{container}" in before(planned, start)
    assert before(planned, "web-0_connect_0@web-0") == {start}
    assert "web-0_connect_0@web-0" in before(planned, "app_start_0@web-0")


def test_what_runs_as_asked_is_left_alone() -> None:
    intent = asked()
    world = at_rest(intent)
    assert {"app@web-0", "app@web-1"} <= places(world).keys()
    assert dict(plan(intent, world).actions) == {}


def test_the_content_is_looked_for_in_every_container_that_is_not_known() -> None:
    intent = asked()
    world = at_rest(intent)
    known = {key: i for key, i in world.instances.items() if i.resource != "app"}
    planned = plan(intent, replace(world, instances=known))
    probes = {str(name) for name in planned.actions if "app_monitor_0" in name or "app_probe_0" in name}
    assert probes == {"app_probe_0@web-0", "app_probe_0@web-1"}


def test_a_replica_whose_host_is_asked_to_be_empty_moves_with_all_that_is_its_own() -> None:
    intent = asked()
    world = at_rest(intent)
    place = plan(intent, world).placement[ResourceId("web-podman-0")]
    assert place is not None
    where = f", placement: {{rules: [{{when: {{nodes: [{place}]}}, score: -INFINITY}}]}}"
    moved = plan(asked(where), world)
    new = moved.placement[ResourceId("web-podman-0")]
    assert new not in {None, place}
    assert moved.placement[ResourceId("web-ip-10.0.0.9")] == new
    assert "app_stop_0@web-0" in before(moved, f"web-podman-0_stop_0@{place}")
    assert f"web-podman-0_stop_0@{place}" in before(moved, f"web-ip-10.0.0.9_stop_0@{place}")
    after = settled(asked(where), world, History(), NOW)
    assert f"web-podman-0@{new}" in places(after)
    assert "app@web-0" in places(after)


def test_a_container_that_is_a_node_may_run_on_a_remote_node() -> None:
    only = ", placement: {on: [far]}"
    found = places(at_rest(asked(only)))
    assert found == {"web-ip-10.0.0.9@far": "Started", "web-podman-0@far": "Started", "app@web-0": "Started"}


def test_nothing_else_runs_in_a_container() -> None:
    intent = asked()
    world = at_rest(intent)
    gone = {NodeName("host1"), NodeName("host2"), NodeName("far")}
    other = replace(intent.resources[ResourceId("app")], id=ResourceId("b"), only_on=())
    crowded = replace(intent, resources={**intent.resources, other.id: other})
    nodes = {n: replace(s, state=NodeState.OFFLINE) if n in gone else s for n, s in world.nodes.items()}
    assert plan(crowded, replace(world, nodes=nodes)).placement[other.id] is None
