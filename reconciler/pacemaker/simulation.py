"""Plans for a Pacemaker cluster and carries the plan out on paper: what `simulate` prints, as JSON and as text."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.model.collective import Bundle, Clone
from reconciler.model.intent import Intent
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.observed import Observed
from reconciler.model.resource import Role
from reconciler.model.transition import Milestone, Transition
from reconciler.pacemaker.read import CibInput, read_cib
from reconciler.pacemaker.upkeep import (
    deleted_histories,
    forgotten_failures,
    needless_cancels,
    pending_starts,
)
from reconciler.pacemaker.words import action_line, operation_of, places, pseudo_line, transition_lines
from reconciler.plan.check import Alarm, check
from reconciler.plan.collectives import numbered, take_apart
from reconciler.plan.outlook import carried_out, in_order
from reconciler.plan.schedule import schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A CIB, the transition planned for it, and the world after it."""

    given: CibInput
    transition: Transition
    after: Observed
    """As given, when the plan was not carried out."""
    is_executed: bool
    alarms: tuple[Alarm, ...] = ()
    """What was planned and not let through, because it would break an invariant."""


def simulate_cib(data: bytes, file: str, now: float, *, is_executed: bool) -> Simulation:
    """Plan for a CIB, and carry the plan out if asked; every action ends as expected.

    Args:
        data: the XML.
        file: how messages name it.
        now: epoch seconds.
        is_executed: whether the plan is carried out.

    Raises:
        SourceError: it is no CIB.
    """
    given = read_cib(data, file, now)
    planned = schedule(given.intent, given.observed, given.history, given.now)
    checked = check(planned, given.intent, given.observed)
    transition = checked.transition
    after = carried_out(transition, given.observed) if is_executed else given.observed
    return Simulation(
        given=given, transition=transition, after=after, is_executed=is_executed, alarms=checked.alarms
    )


def simulation_document(simulation: Simulation) -> dict[str, object]:
    """Return a simulation as JSON values: places after it, lines in Pacemaker's words, actions with their edges."""
    given, transition = simulation.given, simulation.transition
    return {
        "placement": {
            resource: [{"node": node, "role": role.value} for node, role in found]
            for resource, found in _places(given, simulation.after).items()
        },
        "transition": transition_lines(transition),
        "actions": [
            {
                "id": action.id,
                "kind": "resource",
                "resource": action.resource,
                "operation": operation_of(action),
                "interval_ms": action.interval_ms,
                "node": action.node,
                "after": list(action.after),
            }
            for action in in_order(transition)
        ]
        + [_pseudo_action(step.name, step.after) for step in transition.milestones],
        "unsupported": [
            {"feature": n.feature, "text": n.text, "line": n.where.line} for n in given.unsupported
        ],
    }


def simulation_text(simulation: Simulation) -> str:
    """Return a simulation as text, in the sections that crm_simulate has."""
    given, transition = simulation.given, simulation.transition
    sections = [
        "Transition Summary:",
        *_indented(transition_lines(transition)),
    ]
    if simulation.is_executed:
        executed = executed_lines(simulation)
        sections += ["", "Executing Cluster Transition:", *_indented(executed)]
        sections += ["", "Revised Cluster Status:", *_indented(_status_lines(given, simulation.after))]
    return "\n".join(sections)


def executed_lines(simulation: Simulation) -> list[str]:
    """Return a line for each action of a transition, in the first allowed order, and for each pseudo-action."""
    given, transition = simulation.given, simulation.transition
    ensemble = take_apart(given.intent, given.observed)
    numbers = ensemble.numbers
    actions = [
        *pending_starts(given, transition),
        *in_order(transition),
        *needless_cancels(given, transition),
    ]
    return [
        *(action_line(a, given.names.of(a, numbers) if a.resource else a.node) for a in actions),
        *(
            f"* Cluster action:  clear_failcount for {c.resource} on {c.node}"
            for c in forgotten_failures(given, transition)
        ),
        *(
            f"* Resource action: {c.resource:<15} delete on {c.node}"
            for c in deleted_histories(given, transition)
        ),
        *(
            pseudo_line(step)
            for step in dict.fromkeys(_step(given, numbers, m) for m in transition.milestones)
        ),
    ]


def _step(given: CibInput, numbers: Mapping[tuple[ResourceId, NodeName], ResourceId], step: Milestone) -> str:
    """Return what Pacemaker calls a step that runs nothing."""
    if step.node is None:
        return step.name
    return given.names.spoken(step.subject, numbers) + step.name.removeprefix(step.subject)


def _pseudo_action(name: str, after: tuple[ActionId, ...]) -> dict[str, object]:
    return {
        "id": name,
        "kind": "pseudo",
        "resource": None,
        "operation": name,
        "interval_ms": 0,
        "node": None,
        "after": list(after),
    }


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _status_lines(given: CibInput, after: Observed) -> list[str]:
    lines = ["* Full List of Resources:"]
    bundles = [c for c in given.intent.collectives.values() if isinstance(c, Bundle)]
    inside = {
        r.connection: member for b in bundles for r in b.replicas if (member := _content(given.intent, b))
    }
    for resource, found in _places(given, after).items():
        declared = given.declared(inside.get(ResourceId(resource), ResourceId(resource)))
        agent = f" ({declared.agent})" if declared is not None else " (no longer declared)"
        nodes = [node for node, _ in found]
        where = nodes[0] if len(nodes) == 1 else f"[ {' '.join(nodes)} ]"
        lines.append(f"  * {resource}{agent}: " + (f"{found[0][1].value} {where}" if nodes else "Stopped"))
    return lines


def _places(given: CibInput, after: Observed) -> dict[str, list[tuple[str, Role]]]:
    """Return the places of all that is declared, then of all else that still runs.

    Connections to guest nodes are left out: Pacemaker does not list what it added itself. Of a bundle it lists each
    replica: where its container runs, and in which role what is in it.
    """
    hidden = {r.id for r in given.intent.resources.values() if r.agent.is_connection and r.container}
    inside = {r.id for r in given.intent.resources.values() if r.only_on}
    bundles = [c for c in given.intent.collectives.values() if isinstance(c, Bundle)]
    for bundle in bundles:
        hidden |= {n for r in bundle.replicas for n in (r.container, r.address) if n is not None}
    declared = [r for r in given.intent.resources if r not in hidden | inside]
    others = {r for r, _ in after.instances if r not in given.intent.resources and _base(r) not in inside}
    removed = {r for r in others if after.active_on(r)}
    found = places(after, [*declared, *sorted(removed)])
    promotable = given.intent.promotable()
    return {
        str(resource): [
            (str(n), _shown(role, is_promotable=_base(resource) in promotable)) for n, role in nodes
        ]
        for resource, nodes in {**found, **_replicas(given.intent, after, bundles)}.items()
    }


def _replicas(
    intent: Intent, after: Observed, bundles: Iterable[Bundle]
) -> dict[ResourceId, list[tuple[NodeName, Role]]]:
    """Return the places of the replicas of bundles: of the container, with the role of what is in it."""
    found: dict[ResourceId, list[tuple[NodeName, Role]]] = {}
    for bundle in bundles:
        inner = intent.collectives.get(bundle.inner) if bundle.inner is not None else None
        for number, replica in enumerate(bundle.replicas):
            role = Role.STARTED
            if isinstance(inner, Clone):
                name = numbered(inner.member, number) if inner.is_unique else inner.member
                content = after.instances.get((name, intent.resources[inner.member].only_on[number]))
                role = Role.STOPPED if content is None else content.role
                if role is Role.STARTED and inner.promotion is not None:
                    role = Role.UNPROMOTED
            hosts = [i.node for i in after.instances_of(replica.container) if i.role is not Role.STOPPED]
            rows: list[tuple[NodeName, Role]] = (
                [(host, role) for host in hosts] if role is not Role.STOPPED else []
            )
            found[replica.connection or replica.container] = rows
    return found


def _content(intent: Intent, bundle: Bundle) -> ResourceId | None:
    """Return what is in the containers of a bundle, as it is declared."""
    inner = intent.collectives.get(bundle.inner) if bundle.inner is not None else None
    return inner.member if isinstance(inner, Clone) else None


def _base(resource: ResourceId) -> ResourceId:
    base, _, number = resource.rpartition(":")
    return ResourceId(base) if number.isdigit() else resource


def _shown(role: Role, *, is_promotable: bool) -> Role:
    """Return the role as it is shown: what can be promoted, and is only started, is unpromoted."""
    return Role.UNPROMOTED if is_promotable and role is Role.STARTED else role
