"""Writes the reasons of decisions: a code for tools, a sentence for people, the place in the YAML."""

from reconciler.model.names import NodeName, Where
from reconciler.model.observed import Instance, StartedAs
from reconciler.model.resource import Resource
from reconciler.model.score import format_score
from reconciler.model.transition import Reason
from reconciler.plan.situation import Situation


def start_reasons(resource: Resource, target: NodeName) -> tuple[Reason, ...]:
    """Say why something that runs nowhere is started."""
    return (Reason("declared", f"declared, and runs nowhere; best node is {target}", resource.where),)


def removal_reason(resource: Resource) -> Reason:
    """Say why something that is no longer declared is stopped."""
    return Reason("removed", f"{resource.id} is no longer declared", _known(resource.where))


def several_places_reason(active: tuple[Instance, ...]) -> Reason:
    """Say why something that runs more than once is stopped."""
    return Reason("several-places", "it is active on " + " and ".join(i.node for i in active))


def failure_reason(instance: Instance) -> Reason:
    """Say what failed."""
    failure = instance.failure
    assert failure is not None
    return Reason("failed", f"{failure.operation} failed on {instance.node}: {failure.text}")


def placement_reasons(
    situation: Situation, resource: Resource, here: NodeName, there: NodeName
) -> tuple[Reason, ...]:
    """Say why something runs better elsewhere, by the constraints that name one of the two nodes."""
    found = [
        Reason("location", f"its score on {c.node} is {format_score(c.score)}", c.where)
        for c in situation.index.locations.get(resource.id, ())
        if c.node in {here, there}
    ]
    followed = [
        Reason("colocation", f"{'with' if c.score > 0 else 'apart from'} {c.primary}", c.where)
        for c in situation.index.colocations.get(resource.id, ())
    ]
    general = Reason("placement", f"{there} is better than {here}", resource.where)
    return (*found, *followed) or (general,)


def parameter_reasons(resource: Resource, before: StartedAs, wanted: StartedAs) -> tuple[Reason, ...]:
    """Say which parameters differ from those that something runs with."""
    if before.agent != wanted.agent:
        text = f"its resource agent changes from {before.agent} to {wanted.agent}"
        return (Reason("agent-changed", text, resource.at("spec", "agent")),)
    if resource.guest is not None:
        path = ("spec", "hardware") if resource.guest.hardware else ("spec", "domain")
        return (Reason("definition-changed", "the definition of its domain changed", resource.at(*path)),)
    changed = sorted(
        name
        for name in {*before.params, *wanted.params}
        if before.params.get(name) != wanted.params.get(name)
    )
    return tuple(
        Reason("param-changed", _param_text(name, before, wanted), resource.at("spec", "params", name))
        for name in changed
    )


def _param_text(name: str, before: StartedAs, wanted: StartedAs) -> str:
    if name not in wanted.params:
        return f"params.{name} is no longer set"
    if name not in before.params:
        return f"params.{name} is set"
    return f"params.{name} changed"


def _known(where: Where) -> Where | None:
    return where if where.file else None
