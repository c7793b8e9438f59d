"""Tells of the connections to guest nodes as Pacemaker does: as resources that start and stop beside their guests."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model.names import NodeName
from reconciler.model.resource import Resource
from reconciler.model.transition import Action, ActionKind, Change, Reason, Transition
from reconciler.pacemaker.read import CibInput

_MONITOR_MS = 30_000
"""Pacemaker lib/pengine/remote.c, pe_create_remote_xml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Journey:
    """What happens to the connection of one guest node."""

    node: NodeName
    guest: Resource
    source: NodeName | None
    """Where it is now."""
    target: NodeName | None
    """Where it will be."""
    is_restarted: bool


def connection_lines(given: CibInput, transition: Transition) -> Iterator[str]:
    """Return a line for each operation of a connection."""
    for journey in _journeys(given, transition):
        name = f"* Resource action: {journey.node!s:<15}"
        is_new = journey.source != journey.target or journey.is_restarted
        if journey.source is not None and is_new:
            yield f"{name} stop on {journey.source}"
        if journey.target is not None and is_new:
            yield f"{name} start on {journey.target}"
            yield f"{name} monitor={_MONITOR_MS} on {journey.target}"
        for host in _probed(given, journey):
            yield f"{name} monitor on {host}"


def connection_changes(given: CibInput, transition: Transition) -> Iterator[Change]:
    """Return what a transition does to connections."""
    for journey in _journeys(given, transition):
        action, reasons = _change(journey)
        if action:
            yield Change(
                address=f"resource/{journey.node}",
                action=action,
                source=journey.source,
                target=journey.target,
                reasons=reasons,
            )


def _change(journey: _Journey) -> tuple[str, tuple[Reason, ...]]:
    """Return what happens to a connection; empty for nothing."""
    if journey.source is None:
        return ("" if journey.target is None else "start"), ()
    if journey.target is None:
        return "stop", ()
    if journey.source != journey.target:
        return "move", ()
    after = Reason("after", f"{journey.guest.id} starts", None, journey.guest.id, "start")
    return ("restart", (after,)) if journey.is_restarted else ("", ())


def _journeys(given: CibInput, transition: Transition) -> Iterator[_Journey]:
    for guest in given.intent.resources.values():
        if guest.remote_node is None or str(guest.agent) == "ocf:pacemaker:remote":
            continue
        node = guest.remote_node.name
        known = given.connections.get(node)
        stops = _of(transition, ActionKind.STOP, guest)
        starts = _of(transition, ActionKind.START, guest)
        moved = _of(transition, ActionKind.MIGRATE_FROM, guest)
        place = transition.placement.get(guest.id)
        target = next((a.node for a in [*starts, *moved]), place if not stops else None)
        yield _Journey(
            node=node,
            guest=guest,
            source=None if known is None else known.node,
            target=target if guest.is_managed else (None if known is None else known.node),
            is_restarted=bool(stops and starts),
        )


def _of(transition: Transition, kind: ActionKind, resource: Resource) -> list[Action]:
    return [a for a in transition.actions.values() if a.kind is kind and a.resource == resource.id]


def _probed(given: CibInput, journey: _Journey) -> list[NodeName]:
    """Return the hosts where Pacemaker looks for a connection: those that it does not know it from."""
    known = {
        s.node for s in given.statuses.sheets if str(s.name) == journey.node and s.course.role is not None
    }
    return [n for n in given.intent.hosts if n not in known and given.is_online(n)]
