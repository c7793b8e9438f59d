"""The actions of a plan while it is being made, and their names."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field

from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.observed import StartedAs
from reconciler.model.resource import Operation, Resource
from reconciler.model.transition import Action, ActionKind, Reason

_WITHOUT_OWN_PARAMS = frozenset({ActionKind.START, ActionKind.RELOAD})
"""Operations whose parameters are all kept on record, those of the start alone among them."""
_NOTHING: Mapping[str, str] = {}
_WORDS = {kind: kind.value for kind in ActionKind}
_OPERATIONS = {**_WORDS, ActionKind.PROBE: "monitor"}
"""By whose settings an action is carried out that is not recurring."""


@dataclass(slots=True)
class Steps:
    """The actions of a plan while it is being made."""

    actions: dict[ActionId, Action] = field(default_factory=dict)
    edges: defaultdict[ActionId, list[ActionId]] = field(default_factory=lambda: defaultdict(list))
    """For each action, those that must have succeeded before, some more than once; pending ones included."""
    by_subject: defaultdict[ResourceId, list[Action]] = field(default_factory=lambda: defaultdict(list))
    by_node: defaultdict[NodeName, list[Action]] = field(default_factory=lambda: defaultdict(list))
    by_kind: defaultdict[ActionKind, list[Action]] = field(default_factory=lambda: defaultdict(list))

    def add(self, action: Action) -> None:
        """Add an action once."""
        name = action.id
        if name in self.actions:
            return
        self.actions[name] = action
        self.by_node[action.node].append(action)
        self.by_kind[action.kind].append(action)
        subject = action.instance or action.resource
        if subject is not None:
            self.by_subject[subject].append(action)

    def of(self, kind: ActionKind, subject: ResourceId | None = None) -> Sequence[Action]:
        """Return the actions of a kind, of one resource if named, in the order in which they were added."""
        if subject is None:
            return tuple(self.by_kind.get(kind, ()))
        return [a for a in self.by_subject.get(subject, ()) if a.kind is kind]

    def on(self, kind: ActionKind, node: NodeName) -> list[Action]:
        """Return the actions of a kind on a node, in the order in which they were added."""
        return [a for a in self.by_node.get(node, ()) if a.kind is kind]

    def reaches(self, first: ActionId, then: ActionId) -> bool:
        """Tell whether `then` waits, directly or not, for `first`."""
        return first == then or first in self.ancestors(then)

    def ancestors(self, then: ActionId) -> set[ActionId]:
        """Return all that an action waits for, directly or not; itself only if it waits for itself."""
        seen: set[ActionId] = set()
        open_ids = list(self.edges.get(then, ()))
        while open_ids:
            current = open_ids.pop()
            if current not in seen:
                seen.add(current)
                open_ids.extend(self.edges.get(current, ()))
        return seen

    def order(self, first: ActionId, then: ActionId) -> None:
        """Let `then` wait for `first`."""
        if first != then:
            self.edges[then].append(first)

    def order_all(self, before: Collection[ActionId], then: ActionId) -> None:
        """Let `then` wait for several actions."""
        if before:
            self.edges[then] += [first for first in before if first != then] if then in before else before

    def before(self, then: ActionId) -> tuple[ActionId, ...]:
        """Return the actions that must have succeeded before one, sorted."""
        return _once_each(self.edges.get(then, ()))

    def ordered(self, left_out: Set[ActionId]) -> dict[ActionId, Action]:
        """Return the actions with what they wait for, but for some; nothing can be added to them any more."""
        actions = self.actions
        for name, edges in self.edges.items():
            action = actions.get(name)
            if action is not None:
                action.wait_for(tuple(edges) if len(edges) < 2 else _once_each(edges))
        if not left_out:
            return actions
        return {name: action for name, action in actions.items() if name not in left_out}


def _once_each(edges: Collection[ActionId]) -> tuple[ActionId, ...]:
    return tuple(edges) if len(edges) < 2 else tuple(sorted(set(edges)))


def action_id(kind: ActionKind, subject: str, node: NodeName, interval_ms: int = 0) -> ActionId:
    """Return an action's name: the same decision has the same name in every plan."""
    return ActionId(f"{subject}_{_WORDS[kind]}_{interval_ms}@{node}")


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
    is_own_name = resource.instance_of is None and resource.named is None
    name = resource.id if is_own_name else resource.known_as
    settings, interval_ms = operation, 0
    if settings is None:
        settings = resource.operation(_OPERATIONS[kind])
    else:
        interval_ms = settings.interval_ms
    # By position, for by name it takes thrice as long; a plan makes two or three for each resource.
    return Action(
        action_id(kind, name, node, interval_ms),
        kind,
        node,
        name,
        None if is_own_name else resource.id,
        interval_ms,
        settings.timeout_ms,
        None,
        uses,
        _NOTHING if kind in _WITHOUT_OWN_PARAMS else settings.params,
        (),
        reasons,
        _NOTHING,
    )
