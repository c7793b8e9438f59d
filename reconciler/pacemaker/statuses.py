"""Reads the histories of all nodes: what runs where, what failed, and where it must not run for that."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.model.collective import Clone
from reconciler.model.history import FailureCount
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import NodeState
from reconciler.model.observed import Instance
from reconciler.model.resource import OnFail, Resource, ResourceAgent, Role
from reconciler.model.score import INFINITY
from reconciler.pacemaker.clearing import is_forgiven
from reconciler.pacemaker.document import Cib, Element
from reconciler.pacemaker.history import Circumstances, Course, follow, instance_of, since_start
from reconciler.pacemaker.history_entries import Entry, entries
from reconciler.pacemaker.history_names import HistoryNames
from reconciler.pacemaker.migrations import Journeys, Key, settle_migrations
from reconciler.pacemaker.nodes import Nodes
from reconciler.pacemaker.options import Options
from reconciler.pacemaker.resources import Resources
from reconciler.pacemaker.values import boolean, integer, score


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One <lrm_resource>: what a node says of a resource."""

    name: ResourceId
    """Under which it is observed."""
    written: ResourceId
    """Under which the node knows it."""
    node: NodeName
    history: Sequence[Entry]
    given: Circumstances
    course: Course
    is_declared: bool
    locked_at: int = 0
    """Epoch seconds at which it was locked to the node, which shut down; 0: it is not."""

    @property
    def armed(self) -> list[Entry]:
        """Return the entries that are about what runs now."""
        return since_start(self.history)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statuses:
    """What all histories say."""

    instances: Mapping[Key, Instance]
    failures: Mapping[Key, FailureCount]
    names: HistoryNames
    counts: Mapping[Key, int] = field(default_factory=dict)
    """Failures on each node, of what is no longer declared too."""
    sheets: Sequence[Sheet] = field(default=())


def read_statuses(cib: Cib, options: Options, nodes: Nodes, resources: Resources) -> Statuses:
    """Return what is known of every resource on every node; a node that is gone counts only with fencing."""
    sheets = list(_sheets(cib, options, nodes, resources))
    found: dict[Key, Instance] = {}
    histories: dict[Key, Sequence[Entry]] = {}
    for sheet in sheets:
        key = (sheet.name, sheet.node)
        histories.setdefault(key, sheet.history)
        instance = instance_of(sheet.course, sheet.history, sheet.given)
        before = found.get(key)
        if instance is None:
            continue
        if before is None or before.role is Role.STOPPED:
            found[key] = instance
        elif instance.role is not Role.STOPPED and sheet.written != sheet.name:
            # One copy is enough for a node; others are known by the names that the node has for them.
            found[sheet.written, sheet.node] = replace(instance, resource=sheet.written)
    by_state = {n: s.state for n, s in nodes.status.items()}
    unclean = frozenset(n for n, s in by_state.items() if s is NodeState.UNCLEAN)
    journeys = Journeys(
        histories=histories,
        online=frozenset(n for n, s in by_state.items() if s is NodeState.ONLINE),
        unclean=unclean | (_suspects(sheets, by_state) if options.has_fencing else frozenset()),
    )
    ends = [((s.name, s.node), entry) for s in sheets for entry in s.course.migrations]
    settled = settle_migrations(found, ends, journeys)
    instances = {k: _as_fenced(i) if k[1] in unclean else i for k, i in settled.items()}
    counted = {
        (name, node): found_there
        for node, attributes in nodes.failures.items()
        for name, found_there in fail_counts(attributes, resources).items()
    }
    return Statuses(
        instances=instances,
        failures=_failures(nodes, resources, sheets, counted),
        names=_names(resources, sheets),
        counts={key: count for key, (count, _) in counted.items()},
        sheets=sheets,
    )


def _suspects(sheets: Sequence[Sheet], states: Mapping[NodeName, NodeState]) -> frozenset[NodeName]:
    """Return the nodes that are gone, and on which something managed may run: they are to be fenced too."""
    return frozenset(
        sheet.node
        for sheet in sheets
        if states.get(sheet.node) is NodeState.OFFLINE
        and sheet.course.is_active
        and sheet.given.resource.is_managed
    )


def _as_fenced(instance: Instance) -> Instance:
    """Return what remains of a failure once the node was fenced: nothing, and it may start there again."""
    return replace(instance, failure=None)


def fail_counts(attributes: Mapping[str, str], resources: Resources) -> dict[ResourceId, tuple[int, float]]:
    """Return how often each resource failed on a node, and when last, epoch seconds.

    The counts of its operations add up; a count without an operation is that of old versions (Pacemaker
    Administration, "fail-count-RESOURCE#OPERATION_INTERVAL").
    """
    found: dict[ResourceId, tuple[int, float]] = {}
    for name, value in attributes.items():
        for prefix in ("fail-count-", "last-failure-"):
            if not name.startswith(prefix):
                continue
            resource = resources.known_as(name.removeprefix(prefix).partition("#")[0])
            count, last_at = found.get(resource, (0, 0.0))
            if prefix == "fail-count-":
                count = min(INFINITY, count + score(value))
            else:
                last_at = max(last_at, float(integer(value)))
            found[resource] = (count, last_at)
    return found


@dataclass(frozen=True, slots=True)
class _Place:
    """A node, as its histories are read."""

    node: NodeName
    attributes: Mapping[str, str]
    counts: Mapping[ResourceId, tuple[int, float]]
    """How often each resource failed there, and when last."""


def _sheets(cib: Cib, options: Options, nodes: Nodes, resources: Resources) -> Iterator[Sheet]:
    for node, state in nodes.states.items():
        status = nodes.status.get(node)
        is_gone = status is None or status.state in {NodeState.OFFLINE, NodeState.PENDING}
        if is_gone and not (options.has_fencing or options.has_shutdown_locks):
            continue
        place = _Place(node, nodes.attributes[node], fail_counts(nodes.failures[node], resources))
        for element in state.iterfind("lrm/lrm_resources/lrm_resource"):
            sheet = _sheet(cib, options, resources, place, element)
            if sheet is not None:
                yield sheet


def _sheet(
    cib: Cib,
    options: Options,
    resources: Resources,
    place: _Place,
    element: Element,
) -> Sheet | None:
    written = ResourceId(element.get("id", ""))
    name = resources.known_as(written)
    if name in resources.left_out or name.partition(":")[0] in resources.left_out:
        return None
    history = entries(element)
    if not history:
        return None
    agent = ResourceAgent(
        standard=element.get("class", ""),
        provider=element.get("provider", ""),
        type=element.get("type", ""),
    )
    known = resources.declared(name)
    declared = replace(known or Resource(id=name, agent=agent, where=cib.where(element)), id=name)
    if known is not None:
        declared = replace(declared, params=resources.params_on(known.id, place.attributes))
    _, last_at = place.counts.get(name, (0, 0.0))
    clone = resources.collectives.get(resources.clone_of.get(known.id, ResourceId(""))) if known else None
    given = Circumstances(
        resource=declared,
        node=place.node,
        agent=agent,
        now=cib.now,
        has_expired=declared.failure_timeout_ms > 0
        and last_at < cib.now - declared.failure_timeout_ms / 1000
        and not _is_blocked(declared, history)
        and not _awaits_fencing(cib, options, declared),
        is_promotable=isinstance(clone, Clone) and clone.promotion is not None,
        has_digests=known is not None and known.id not in resources.with_unclear_operations,
    )
    return Sheet(
        name=name,
        written=written,
        node=place.node,
        history=history,
        given=given,
        course=follow(history, given),
        is_declared=known is not None,
        locked_at=integer(element.get("shutdown-lock")),
    )


def _awaits_fencing(cib: Cib, options: Options, connection: Resource) -> bool:
    """Tell whether a lost connection's failure is kept until its node was fenced (unpack.c, check_operation_expiry)."""
    if not (connection.agent.is_connection and options.has_fencing and connection.failure_timeout_ms):
        return False
    states = (s for s in cib.section("status") if s.tag == "node_state")
    state = next((s for s in states if connection.id in {s.get("id"), s.get("uname")}), None)
    return state is not None and not boolean(state.get("node_fenced"))


def _is_blocked(resource: Resource, history: Sequence[Entry]) -> bool:
    """Tell whether a failure that is to block is among what happened: then no failure is forgotten."""
    return any(
        entry.effective_rc != entry.expected_rc
        and entry.operation != "stop"
        and resource.operation(entry.operation, entry.interval_ms).on_fail is OnFail.BLOCK
        for entry in history
    )


def _names(resources: Resources, sheets: Sequence[Sheet]) -> HistoryNames:
    """Return the names that histories have for instances of clones."""
    cloned = [s for s in sheets if s.name in resources.clone_of]
    numbered: dict[Key, ResourceId] = {}
    for sheet in cloned:
        if sheet.name != sheet.written and sheet.course.is_active:
            numbered.setdefault((sheet.name, sheet.node), sheet.written)
    return HistoryNames(shared=frozenset(s.name for s in cloned if s.name == s.written), numbered=numbered)


def _failures(
    nodes: Nodes, resources: Resources, sheets: Sequence[Sheet], counted: Mapping[Key, tuple[int, float]]
) -> dict[Key, FailureCount]:
    """Return what was counted, and where histories say that a resource must not run."""
    ignoring = {
        (s.name, s.node)
        for s in sheets
        if s.course.ignores_failures
        or is_forgiven(s.history, s.given, counted.get((s.name, s.node), (0, 0.0))[0])
    }
    found: dict[Key, FailureCount] = {}
    for key, (count, last_at) in counted.items():
        if count and resources.declared(key[0]) is not None and key not in ignoring:
            found[key] = FailureCount(count=count, last_at=last_at, text="see its history")
    for sheet in sheets:
        if not sheet.is_declared:
            continue
        banned = [sheet.node] if sheet.course.bans else []
        for node in nodes.places if sheet.course.is_fatal else banned:
            before = found.get((sheet.name, node), FailureCount(text="see its history"))
            found[sheet.name, node] = replace(before, is_fatal=True)
    return found
