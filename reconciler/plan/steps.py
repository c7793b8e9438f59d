"""The actions of a plan while it is being made, and their names."""

from dataclasses import dataclass, field

from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.transition import Action, ActionKind


@dataclass(slots=True)
class Steps:
    """The actions of a plan while it is being made."""

    actions: dict[ActionId, Action] = field(default_factory=dict)
    edges: dict[ActionId, set[ActionId]] = field(default_factory=dict)
    """For each action, those that must have succeeded before; pending ones included."""

    def add(self, action: Action) -> None:
        """Add an action once."""
        self.actions.setdefault(action.id, action)

    def of(
        self, kind: ActionKind, resource: ResourceId | None = None, node: NodeName | None = None
    ) -> list[Action]:
        """Return the actions of a kind, of one resource or on one node if named, in the order they were added."""
        return [
            a
            for a in self.actions.values()
            if a.kind is kind and resource in {None, a.resource} and node in {None, a.node}
        ]

    def order(self, first: ActionId, then: ActionId) -> None:
        """Let `then` wait for `first`."""
        if first != then:
            self.edges.setdefault(then, set()).add(first)


def action_id(kind: ActionKind, subject: str, node: NodeName, interval_ms: int = 0) -> ActionId:
    """Return an action's name: the same decision has the same name in every plan."""
    return ActionId(f"{subject}_{kind.value}_{interval_ms}@{node}")
