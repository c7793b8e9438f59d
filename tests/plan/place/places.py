"""Where resources are placed, without what follows from it."""

from dataclasses import replace

from reconciler.model.history import FailureCount, History
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.observed import Instance, Observed
from reconciler.model.policy import Policy
from reconciler.plan.nodes import survey
from reconciler.plan.place.placement import Placement, place
from tests.plan.worlds import NOW, empty_world, running, seen


def placement(asked: Intent, observed: Observed | None = None, history: History | None = None) -> Placement:
    """The placement, where nothing runs unless it is said otherwise."""
    world = empty_world(asked) if observed is None else observed
    return place(survey(asked, world, history or History(), NOW))


def places(
    asked: Intent, *active: str | Instance, history: History | None = None, observed: Observed | None = None
) -> dict[str, str | None]:
    """The node of each primitive and instance; what is active is said as `RESOURCE NODE`."""
    instances = [i if isinstance(i, Instance) else running(asked, *i.split()) for i in active]
    world = seen(empty_world(asked) if observed is None else observed, *instances)
    return {str(r): n for r, n in placement(asked, world, history).nodes.items()}


def with_policy(asked: Intent, **fields: object) -> Intent:
    policy = replace(Policy(), **fields)  # type: ignore[arg-type]  # tests name real fields
    return replace(asked, cluster=replace(asked.cluster, policy=policy))


def with_capacity(asked: Intent, **cpu: int) -> Intent:
    """The same hosts, with so much capacity each."""
    hosts = {n: replace(h, capacity={"cpu": cpu[n]}) if n in cpu else h for n, h in asked.hosts.items()}
    return replace(asked, hosts=hosts)


def with_labels(asked: Intent, name: str, **values: str) -> Intent:
    hosts = {n: replace(h, labels={name: values[n]}) if n in values else h for n, h in asked.hosts.items()}
    return replace(asked, hosts=hosts)


def failed(resource: str, node: str, count: int) -> History:
    key = (ResourceId(resource), NodeName(node))
    return History(failures={key: FailureCount(count=count, last_at=NOW, operation="monitor", text="no")})
