"""Turns decisions on roles into actions."""

from reconciler.model.digest import start_parameters
from reconciler.model.resource import Role
from reconciler.model.transition import ActionKind
from reconciler.plan.decision import Decision
from reconciler.plan.situation import Situation
from reconciler.plan.steps import Steps, resource_action


def add_role_changes(situation: Situation, steps: Steps, decision: Decision) -> None:
    """Add the demotions and the promotion of one resource."""
    resource = decision.resource
    for instance in decision.active if decision.demotes else ():
        is_there = situation.node(instance.node) is not None and instance.node not in decision.ends_with
        if instance.role is Role.PROMOTED and is_there:
            uses = instance.started_as or start_parameters(resource, instance.node)
            steps.add(resource_action(ActionKind.DEMOTE, resource, instance.node, uses, decision.reasons))
    if decision.promotes:
        is_new = decision.starts or decision.migrates
        node = decision.target if is_new else decision.active[0].node
        known = None if is_new else decision.active[0].started_as
        assert node is not None
        uses = known or start_parameters(resource, node)
        steps.add(resource_action(ActionKind.PROMOTE, resource, node, uses, decision.reasons))
