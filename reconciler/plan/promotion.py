"""Decides on roles: who is promoted, who is demoted, and what that takes of each resource by itself.

The rules (Pacemaker lib/pacemaker/pcmk_sched_primitive.c, the tables of roles):

* What is to be promoted and is not, is promoted where it runs, or once it was started.
* What is promoted and is not to be any more is demoted; what is promoted and stops is demoted first.
* What failed while promoted, in a way that asks for no more than that, is demoted, and promoted again if it may.
"""

from dataclasses import replace

from reconciler.model.observed import Instance
from reconciler.model.resource import OnFail, Resource, Role
from reconciler.plan.decision import Decision, Fate
from reconciler.plan.place.placement import Placement
from reconciler.plan.situation import Situation


def with_role(decision: Decision, situation: Situation, placement: Placement) -> Decision:
    """Return a decision on what has roles, with the one that it is to have, and what that takes."""
    resource = decision.resource
    role = placement.roles.get(resource.id, Role.UNPROMOTED if resource.is_promotable else Role.STARTED)
    if decision.is_left_alone or decision.fate is Fate.HOLD:
        return replace(decision, role=Role.PROMOTED if decision.was_promoted else role)
    is_again = any(is_only_demoted(resource, i) for i in decision.active)
    stays = not (decision.stops or decision.migrates)
    demotes = decision.was_promoted and (not stays or role is not Role.PROMOTED or is_again)
    is_there = decision.was_promoted and not demotes
    runs = decision.starts or decision.migrates or (stays and bool(decision.active))
    lack = situation.unpromotable.get(resource.declared_as) if demotes and stays else None
    return replace(
        decision,
        role=role,
        promotes=runs and role is Role.PROMOTED and not is_there,
        demotes=demotes,
        reasons=decision.reasons if lack is None else (*decision.reasons, lack.reason),
    )


def is_only_demoted(resource: Resource, instance: Instance) -> bool:
    """Tell whether what failed need only be demoted (on-fail=demote)."""
    failure = instance.failure
    if failure is None:
        return False
    return resource.operation(failure.operation, failure.interval_ms).on_fail is OnFail.DEMOTE
