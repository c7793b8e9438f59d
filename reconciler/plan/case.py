"""One resource, with what the rules ask of it when it is decided what is to become of it."""

from reconciler.model.names import NodeName
from reconciler.model.observed import Instance, StartedAs
from reconciler.model.record import record
from reconciler.model.resource import Resource
from reconciler.model.transition import Reason
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.place.placement import Placement
from reconciler.plan.situation import Situation


@record(frozen=True, slots=True)
class Case:
    """One resource, with what the rules ask of it."""

    situation: Situation
    placement: Placement
    resource: Resource
    active: tuple[Instance, ...]
    target: NodeName | None
    obstacle: str | None


def decision_on(case: Case, fate: Fate, *reasons: Reason, obstacle: str | None = None) -> Decision:
    """Return a decision on a resource, for the node that it is to run on."""
    # By position, for by name it takes twice as long.
    return Decision(case.resource, fate, case.active, case.target, reasons, obstacle)


def differs(started_as: StartedAs, wanted: StartedAs) -> bool:
    """Tell whether something was started with another agent, or other parameters, than are wanted."""
    is_same_agent = started_as.agent is wanted.agent or started_as.agent == wanted.agent
    return not is_same_agent or (
        started_as.params is not wanted.params and dict(started_as.params) != dict(wanted.params)
    )
