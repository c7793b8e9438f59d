"""A transition: one plan, as the whole graph of actions with the reasons for them."""

from collections.abc import Mapping
from dataclasses import field
from enum import Enum

from reconciler.model.names import ActionId, NodeName, ResourceId, Where
from reconciler.model.observed import StartedAs
from reconciler.model.record import record
from reconciler.model.resource import Role


class ActionKind(Enum):
    """What an action does."""

    __hash__ = object.__hash__
    """Each is there once; plans look actions up by it many times, and Enum's own is slow."""

    PROBE = "probe"
    """Asks once whether a resource runs somewhere; changes nothing."""
    START = "start"
    STOP = "stop"
    RELOAD = "reload-agent"
    """Lets a resource that runs take up new values of parameters (OCF's reload-agent)."""
    MONITOR = "monitor"
    """Arms a recurring monitor; its first result ends the action."""
    CANCEL = "cancel"
    """Disarms a recurring monitor."""
    CONNECT = "connect"
    """Connects a node's agent."""
    DISCONNECT = "disconnect"
    """Ends the connection to a guest's agent in order, before the guest stops."""
    MIGRATE_TO = "migrate_to"
    """Live migration, on the node that is left (OCF's migrate_to)."""
    MIGRATE_FROM = "migrate_from"
    """Live migration, on the node that takes over; a STOP on the other one ends it."""
    FENCE = "fence"
    """Makes certain that a node runs nothing any more."""
    PROMOTE = "promote"
    DEMOTE = "demote"
    NOTIFY = "notify"
    """Tells an instance of a clone what others of it are about to do, or did."""
    UNFENCE = "unfence"
    """Lets a node in again that fencing devices keep out."""
    RELEASE = "release"
    """Lets a node go that asked to leave, once nothing runs there."""


@record(frozen=True, slots=True)
class Reason:
    """Why something is done: a code for tools, a sentence for people, and the place in the YAML."""

    code: str
    text: str
    where: Where | None = None
    subject: str = ""
    """What the reason is about, where it is not the changed resource itself."""
    step: str = ""
    """What is, or cannot be, done with the subject, in Pacemaker's words: start, running, stop, stopped."""


@record(frozen=True, slots=True)
class Action:
    """One step of a transition."""

    id: ActionId
    kind: ActionKind
    node: NodeName
    """Where it is carried out: the host of a guest, the node of a resource, the node to connect."""
    resource: ResourceId | None = None
    """None where it is about a node as a whole; the name under which the node knows it."""
    instance: ResourceId | None = None
    """What it is about in this plan, where nodes have another name for it, such as an instance of a clone (`ID:0`)."""
    interval_ms: int = 0
    timeout_ms: int = 20_000
    peer: NodeName | None = None
    """MIGRATE_TO and MIGRATE_FROM: the other node."""
    uses: StartedAs | None = None
    """Parameters to run it with: of the start record where there is one, else of the declaration."""
    params: Mapping[str, str] = field(default_factory=dict)
    """Parameters of this operation alone, over those; a start's own are in `uses`."""
    after: tuple[ActionId, ...] = ()
    """Actions, of this transition or pending, that must have succeeded before."""
    reasons: tuple[Reason, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    """What its resource agent is told of the other instances of a clone (OCF_RESKEY_CRM_meta_NAME)."""
    operation: str = ""
    """RELOAD: the resource agent's action, where that is not reload-agent."""
    is_forced: bool = False
    """STOP of a guest: without an orderly shutdown, because its agent or its domain has failed.

    CONNECT: the connection that is there is not kept meanwhile, because its key is revoked.
    """
    fencing: str = ""
    """FENCE: what is done to the node, reboot or off."""

    @property
    def subject(self) -> ResourceId | None:
        """Return the resource that it is about; of a clone, the instance."""
        return self.instance or self.resource

    @property
    def operation_name(self) -> str:
        """Return the operation that its resource agent runs for it."""
        watching = {ActionKind.PROBE, ActionKind.MONITOR, ActionKind.CANCEL}
        return "monitor" if self.kind in watching else self.kind.value

    def wait_for(self, after: tuple[ActionId, ...]) -> None:
        """Set what it waits for: once, by the plan that makes it, while nobody else has it."""
        self.after = after  # type: ignore[misc]  # frozen for all others


@record(frozen=True, slots=True, kw_only=True)
class Milestone:
    """A step of a group, a clone, or alternatives that runs nothing, and is reached; for people."""

    name: str
    """By Pacemaker's pattern: `GROUP_start_0`, `CLONE_running_0`, `one-or-more:NAME`."""
    subject: ResourceId
    """The group or clone; or the resource whose stop is not needed, for its node is fenced; or what runs a guest."""
    node: NodeName | None = None
    """Of a stop that is not needed: where it would have been."""
    ends: NodeName | None = None
    """The guest node that has ended at this point, because what runs it stopped, or its host was fenced."""
    how: str = ""
    """With `ends`: off, or reboot if it comes back."""
    after: tuple[ActionId, ...] = ()


@record(frozen=True, slots=True)
class Change:
    """What a transition does to one guest or resource, as a person would say it."""

    address: str
    """guest/NAME, resource/NAME or host/NAME."""
    action: str
    """create, start, stop, move, migrate, restart, reload, recover, promote, demote, fence, destroy, adopt
    or update.
    """
    source: str | None = None
    """The node it leaves."""
    target: str | None = None
    """The node where it will run."""
    source_role: Role | None = None
    """Of what can be promoted: its role before; None if it does not run."""
    target_role: Role | None = None
    """Of what can be promoted: its role then; None if it will not run."""
    reasons: tuple[Reason, ...] = ()
    depends_on: tuple[str, ...] = ()
    is_disruptive: bool = False
    """Something that runs now is interrupted."""
    is_destructive: bool = False
    """Something is removed for good."""


@record(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Something that is asked for, or needed, and can't be done; and what would unblock it."""

    address: str
    text: str
    where: Where | None = None
    code: str = "blocked"
    change: Change | None = None
    """What would be done if it were not blocked."""


@record(frozen=True, slots=True, kw_only=True)
class Transition:
    """The outcome of planning."""

    actions: Mapping[ActionId, Action] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    gates: tuple[Blocked, ...] = ()
    """Changes held back until an operator lets them through."""
    placement: Mapping[ResourceId, NodeName | None] = field(default_factory=dict)
    """Where each resource is to run; None: nowhere. Clones are taken apart (`ID:0`)."""
    guest_nodes: Mapping[ResourceId, NodeName] = field(default_factory=dict)
    """The node that each guest is, removed guests included: its stop ends what runs there."""
    milestones: tuple[Milestone, ...] = ()
    recheck_at: float | None = None
    """Epoch seconds at which to plan again though nothing happens: a retry, a failure that expires."""
    is_complete: bool = True
    """False when a part of the world could not be observed."""
    counts_load: bool = False
    """Somewhere the number of resources on nodes decided between them, so that no part can be planned by itself."""
    holds_places: bool = False
    """Something stays that would move, and come back with the next plan; no part can be planned by itself either."""

    def ready(self, done: frozenset[ActionId], started: frozenset[ActionId]) -> tuple[Action, ...]:
        """Return the actions whose predecessors are all done and that were not started yet, in order."""
        return tuple(
            action
            for action in self.actions.values()
            if action.id not in started and all(before in done for before in action.after)
        )
