"""Says of each step of a resource's scores what it is about, in words and by its place in the YAML; decides nothing."""

from reconciler.model.constraint import Colocation, Location
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.resource import Resource
from reconciler.model.score import INFINITY, format_score
from reconciler.plan.place.scores import ban_of
from reconciler.plan.place.trace import Cause, Step
from reconciler.plan.situation import Situation

_TEXTS = {
    Cause.EXCLUSIVE: "not among the nodes to which its placement keeps it",
    Cause.STICKINESS: "stickiness: it runs there",
    Cause.CAPACITY: "no room: too little of its capacity is left",
    Cause.CLONE_NODE: "its clone has as many instances there as it may, or may not be there",
    Cause.CLONE_MAX: "its clone has all its instances",
    Cause.PROMOTION: "promotion score: it suits promotion so well",
    Cause.STATE: "declared stopped",
}

_FIELDS = {
    Cause.FAILURE: "failureLimit",
    Cause.STICKINESS: "stickiness",
    Cause.CAPACITY: "needs",
    Cause.STATE: "state",
}
"""The field below spec that says so."""


def text_of(situation: Situation, name: ResourceId, step: Step, node: NodeName) -> str:
    """Say what a step is about, on one node."""
    match step.cause:
        case Cause.LOCATION:
            return _location_text(step, node)
        case Cause.TICKET:
            assert isinstance(step.source, Location)
            return step.source.lack
        case Cause.HEALTH:
            return f"health of {node}"
        case Cause.FAILURE:
            return _failure(situation, situation.resources[name], node)
        case Cause.PRIMARY:
            return _primary_text(step)
        case Cause.DEPENDENT:
            assert isinstance(step.source, Colocation)
            return f"wish of {step.source.dependent}, which is to be {_relation(step.source)} it"
        case _:
            return _TEXTS[step.cause]


def where_of(situation: Situation, name: ResourceId, step: Step, node: NodeName) -> Where | None:
    """Return where in the YAML a step comes from; None when nothing there says so."""
    resource = situation.resources[name]
    if step.source is not None:
        found: Where | None = step.source.where
    elif step.cause is Cause.HEALTH:
        found = _where_health_is(situation, node)
    elif step.cause in _FIELDS:
        found = resource.at("spec", _FIELDS[step.cause])
    else:
        clones = [c.clone for c in situation.clones.values()]
        found = next((c.where for c in clones if resource.declared_as in _parts(situation, c.member)), None)
    return found if found is not None and found.file else None


def _where_health_is(situation: Situation, node: NodeName) -> Where | None:
    host = situation.intent.hosts.get(node)
    if host is not None:
        return host.fields.get("spec.health", host.where)
    remote = situation.intent.remote_nodes().get(node)
    return remote.where if remote is not None else None


def _parts(situation: Situation, member: ResourceId) -> tuple[ResourceId, ...]:
    group = situation.intent.collectives.get(member)
    members: tuple[ResourceId, ...] = getattr(group, "members", ())
    return (member, *members)


def _location_text(step: Step, node: NodeName) -> str:
    assert isinstance(step.source, Location)
    if node not in step.before:
        return f"a location constraint allows {node}"
    words = "location rule" if "-rule-" in step.source.id else "location constraint"
    return f"{words}: {format_score(step.source.score)} on {node}"


def _primary_text(step: Step) -> str:
    assert isinstance(step.source, Colocation)
    colocation = step.source
    if colocation.id.startswith("#group"):
        return f"follows {colocation.primary}, the member before it"
    if colocation.id.startswith("#"):
        return f"runs in {colocation.primary}"
    strength = "" if abs(colocation.score) >= INFINITY else f" ({format_score(colocation.score)})"
    label = colocation.node_attribute
    same = f", by label {label}" if label is not None else ""
    return f"{_relation(colocation)} {colocation.primary}{strength}{same}"


def _relation(colocation: Colocation) -> str:
    return "with" if colocation.score > 0 else "apart from"


def _failure(situation: Situation, resource: Resource, node: NodeName) -> str:
    """Say what failed; of a clone, anything that it consists of."""
    own = ban_of(situation, resource, node)
    if own is not None:
        return own
    others = (ban_of(situation, r, node) for r in situation.resources.values() if r.instance_of)
    return next((text for text in others if text is not None), f"too much of its clone failed on {node}")
