"""Says in the end whether the world is as asked, and if not, whether the controller says what is in the way (I5)."""

from dataclasses import dataclass

from reconciler.model.digest import guest_digest
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.resource import Resource, Role
from reconciler.model.transition import Transition
from reconciler.plan.rules import in_force
from reconciler.sim.machines import Machines
from reconciler.sim.truth import Truth, variant_of
from reconciler.sim.witness import STRANGER


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is not as asked."""

    unexplained: tuple[str, ...]
    """Without the controller saying why."""
    blocked: tuple[str, ...]
    """With the controller saying what is in the way."""


def judge(intent: Intent, transition: Transition, truth: Truth, machines: Machines) -> Judgement:
    """Compare what is with what is asked."""
    said = {b.address.partition("/")[2] for b in (*transition.blocked, *transition.gates)}
    unexplained: list[str] = []
    blocked: list[str] = []
    asked = in_force(intent, {}, 0.0)
    for name in sorted({*intent.resources, *(c.resource for c, f in truth.copies.items() if f.is_alive)}):
        if name.startswith(STRANGER):
            continue
        resource = asked.get(name)
        text = _wrong(resource, name, transition.placement.get(name), truth, machines)
        if text is None:
            continue
        (blocked if name in said else unexplained).append(f"{name}: {text}")
    return Judgement(unexplained=tuple(unexplained), blocked=tuple(blocked))


def _wrong(
    resource: Resource | None, name: ResourceId, target: NodeName | None, truth: Truth, machines: Machines
) -> str | None:
    """Return what is not as asked about one resource, or None."""
    alive = [copy for copy, facts in truth.of(name) if facts.is_alive]
    places = ", ".join(f"{c.node} ({c.life})" for c in alive) or "nowhere"
    if resource is None:
        return f"it is not declared, and runs on {places}" if alive else None
    if not resource.is_managed:
        return None
    if resource.state is Role.STOPPED:
        return f"it is to be stopped, and runs on {places}" if alive else None
    if len(alive) != 1:
        return f"it is to run on {target or 'some node'}, and runs on {places}"
    (copy,) = alive
    if copy.node != target:
        return f"it is to run on {target}, and runs on {places}"
    if resource.guest is not None:
        found = machines.hosts[copy.node].domains.get(name)
        if found is None:
            return f"its start on {copy.node} has not ended"
        domain = found.domain
        is_right = domain.digest == guest_digest(resource) and domain.is_running
        return None if is_right else f"it runs on {places} as something else, or does not work"
    is_right = copy.variant == variant_of(resource.agent, resource.params_at(copy.node))
    return None if is_right else f"it runs with other parameters: {copy.variant}"
