"""The actions of a plan while it is being made, and their names."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.observed import StartedAs
from reconciler.model.resource import Operation, Resource
from reconciler.model.transition import Action, ActionKind, Reason

_WITH_OWN_PARAMS = {ActionKind.PROBE, ActionKind.MONITOR}
"""Operations that change nothing; what a start is given is kept, and compared with what is declared."""


@dataclass(slots=True)
class Steps:
    """The actions of a plan while it is being made."""

    actions: dict[ActionId, Action] = field(default_factory=dict)
    edges: defaultdict[ActionId, set[ActionId]] = field(default_factory=lambda: defaultdict(set))
    """For each action, those that must have succeeded before; pending ones included."""
    by_subject: dict[ResourceId, list[Action]] = field(default_factory=dict)
    by_node: dict[NodeName, list[Action]] = field(default_factory=dict)
    by_kind: dict[ActionKind, list[Action]] = field(default_factory=dict)

    def add(self, action: Action) -> None:
        """Add an action once."""
        if action.id in self.actions:
            return
        self.actions[action.id] = action
        self.by_node.setdefault(action.node, []).append(action)
        self.by_kind.setdefault(action.kind, []).append(action)
        if action.subject is not None:
            self.by_subject.setdefault(action.subject, []).append(action)

    def of(self, kind: ActionKind, subject: ResourceId | None = None) -> list[Action]:
        """Return the actions of a kind, of one resource if named, in the order in which they were added."""
        if subject is None:
            return list(self.by_kind.get(kind, ()))
        return [a for a in self.by_subject.get(subject, ()) if a.kind is kind]

    def on(self, kind: ActionKind, node: NodeName) -> list[Action]:
        """Return the actions of a kind on a node, in the order in which they were added."""
        return [a for a in self.by_node.get(node, ()) if a.kind is kind]

    def reaches(self, first: ActionId, then: ActionId) -> bool:
        """Tell whether `then` waits, directly or not, for `first`."""
        seen: set[ActionId] = set()
        open_ids = [then]
        while open_ids:
            current = open_ids.pop()
            if current == first:
                return True
            if current not in seen:
                seen.add(current)
                open_ids.extend(self.edges.get(current, ()))
        return False

    def order(self, first: ActionId, then: ActionId) -> None:
        """Let `then` wait for `first`."""
        if first != then:
            self.edges[then].add(first)

    def order_all(self, before: Collection[ActionId], then: ActionId) -> None:
        """Let `then` wait for several actions."""
        if before:
            self.edges[then].update(before)
            self.edges[then].discard(then)


def action_id(kind: ActionKind, subject: str, node: NodeName, interval_ms: int = 0) -> ActionId:
    """Return an action's name: the same decision has the same name in every plan."""
    return ActionId(f"{subject}_{kind.value}_{interval_ms}@{node}")


def resource_action(
    kind: ActionKind,
    resource: Resource,
    node: NodeName,
    uses: StartedAs | None = None,
    reasons: tuple[Reason, ...] = (),
    *,
    operation: Operation | None = None,
) -> Action:
    """Return an action on a resource; `operation` where it is a recurring one."""
    name = "monitor" if kind is ActionKind.PROBE else kind.value
    settings = operation or resource.operation(name)
    interval_ms = operation.interval_ms if operation is not None else 0
    return Action(
        id=action_id(kind, resource.known_as, node, interval_ms),
        kind=kind,
        node=node,
        resource=resource.known_as,
        instance=resource.id if resource.instance_of is not None else None,
        interval_ms=interval_ms,
        timeout_ms=settings.timeout_ms,
        uses=uses,
        params=settings.params if kind in _WITH_OWN_PARAMS else {},
        reasons=reasons,
    )
