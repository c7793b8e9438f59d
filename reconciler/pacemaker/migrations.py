"""Concludes from both ends of live migrations where a resource is: one node's history alone does not say it.

A live migration is migrate_to on the source, migrate_from on the target, and a stop on the source. After the first it
is partial, and may go on; after the second only the stop is left. What happened on a node later than its part in a
migration makes that part history (Pacemaker lib/pengine/unpack.c, unpack_migrate_to_success and its siblings).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.observed import Failure, Instance, StartedAs
from reconciler.model.operation import OCF_NOT_RUNNING, OCF_OK, STATUS_DONE, STATUS_PENDING
from reconciler.model.resource import Role
from reconciler.pacemaker.history_entries import Entry, order_of

Key = tuple[ResourceId, NodeName]
_MOVES = frozenset({"start", "stop", "migrate_to", "migrate_from"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Journeys:
    """All histories, for looking up the other end."""

    histories: Mapping[Key, Sequence[Entry]]
    online: frozenset[NodeName]
    unclean: frozenset[NodeName]

    def found(self, key: Key, operation: str, *, source: NodeName, target: NodeName) -> Entry | None:
        """Return one end of a migration."""
        for entry in self.histories.get(key, ()):
            ends = entry.source if operation == "migrate_from" else entry.target
            if entry.operation == operation and ends == (source if operation == "migrate_from" else target):
                return entry
        return None

    def moved_after(self, key: Key, event: Entry) -> bool:
        """Tell whether anything but a monitor ran on a node after an event."""
        return any(
            e is not event and e.operation in _MOVES and order_of(e, event) > 0
            for e in self.histories.get(key, ())
        )

    def is_newer(self, key: Key, sent: Entry | None, taken: Entry | None) -> bool:
        """Tell whether a node's history has news from after a migration.

        It is compared with the migration's entry on the same node, where there is one.
        """
        event = sent if taken is None or (sent is not None and key[1] == taken.source) else taken
        if event is None:
            return False
        is_gone = any(
            e.operation == "monitor"
            and (e.rc, e.status) == (OCF_NOT_RUNNING, STATUS_DONE)
            and order_of(e, event) > 0
            for e in self.histories.get(key, ())
        )
        return is_gone or self.moved_after(key, event)

    def is_unknown(self, key: Key) -> bool:
        """Tell whether a node has nothing to say about a resource."""
        return not any(e.status != STATUS_PENDING for e in self.histories.get(key, ()))


def settle_migrations(
    instances: Mapping[Key, Instance], ends: Sequence[tuple[Key, Entry]], journeys: Journeys
) -> dict[Key, Instance]:
    """Return the instances, with what migrations say of them.

    Args:
        instances: by what each node's history says alone.
        ends: the entries of migrations that count, with the resource and the node where they stand.
        journeys: all histories.
    """
    found = dict(instances)
    for key, entry in ends:
        if entry.source is None or entry.target is None:
            continue
        if entry.operation == "migrate_from":
            _after_failed_arrival(found, key, entry, journeys)
        elif entry.status == STATUS_PENDING:
            if key[1] in journeys.unclean:
                _clear_target(found, key, entry.target)
        elif (entry.status, entry.rc) == (STATUS_DONE, OCF_OK):
            _after_departure(found, key, entry, journeys)
        else:
            _after_failed_departure(found, key, entry, journeys)
    return found


def _after_departure(found: dict[Key, Instance], key: Key, entry: Entry, journeys: Journeys) -> None:
    """The source has sent it: see whether the target has taken it up."""
    source, target = entry.source, entry.target
    assert source is not None
    assert target is not None
    there = (key[0], target)
    has_moved = journeys.moved_after(key, entry)
    arrival = journeys.found(there, "migrate_from", source=source, target=target)
    if arrival is not None and has_moved:
        return
    is_news = journeys.is_newer(there, entry, arrival)
    if has_moved and is_news:
        return
    is_active_there = not is_news and target in journeys.online
    if arrival is not None and arrival.status != STATUS_PENDING:
        if (arrival.status, arrival.rc) == (STATUS_DONE, OCF_OK):
            found[key] = replace(_active(found, key, found.get(there)), migrated_to=target)
        elif is_active_there:
            _make_active(found, there, found.get(key))
            found[key] = _active(found, key, found.get(there))
        else:
            _require_recovery(found, key)
        return
    if target in journeys.online and journeys.is_unknown(there):
        found[key] = _active(found, key, None)
        return
    if is_active_there:
        _make_active(found, there, found.get(key))
        if not has_moved:
            found[key] = replace(_active(found, key, None), migrating_to=target)
        if source in journeys.online:
            found[there] = replace(found[there], migrating_from=source)
    elif not has_moved:
        _require_recovery(found, key)


def _after_failed_departure(found: dict[Key, Instance], key: Key, entry: Entry, journeys: Journeys) -> None:
    assert entry.source is not None
    assert entry.target is not None
    there = (key[0], entry.target)
    arrival = journeys.found(there, "migrate_from", source=entry.source, target=entry.target)
    is_taken_up = arrival is not None and (arrival.status, arrival.rc) == (STATUS_DONE, OCF_OK)
    is_news = journeys.is_newer(there, entry, arrival if is_taken_up else None)
    if not journeys.is_unknown(there) and not is_news and entry.target in journeys.online:
        _make_active(found, there, found.get(key))


def _after_failed_arrival(found: dict[Key, Instance], key: Key, entry: Entry, journeys: Journeys) -> None:
    assert entry.source is not None
    assert entry.target is not None
    there = (key[0], entry.source)
    departure = journeys.found(there, "migrate_to", source=entry.source, target=entry.target)
    is_sent = departure is not None and (departure.status, departure.rc) == (STATUS_DONE, OCF_OK)
    is_news = journeys.is_newer(there, departure if is_sent else None, entry)
    if not journeys.is_unknown(there) and not is_news and entry.source in journeys.online:
        _make_active(found, there, found.get(key))


def _clear_target(found: dict[Key, Instance], key: Key, target: NodeName) -> None:
    """The source is lost while it sends: whatever has arrived is to be stopped."""
    there = (key[0], target)
    if found.get(there) is None or found[there].role is Role.STOPPED:
        found[there] = replace(_active(found, there, found.get(key)), migrated_to=key[1])


def _make_active(found: dict[Key, Instance], key: Key, like: Instance | None) -> None:
    found[key] = _active(found, key, like)


def _active(found: Mapping[Key, Instance], key: Key, like: Instance | None) -> Instance:
    """Return what is known of a resource on a node, taken to run there, as it does elsewhere if that is all we know."""
    known = found.get(key)
    if known is not None and known.role is not Role.STOPPED:
        return known
    started_as: StartedAs | None = like.started_as if like is not None else None
    return Instance(resource=key[0], node=key[1], role=Role.STARTED, started_as=started_as)


def _require_recovery(found: dict[Key, Instance], key: Key) -> None:
    known = _active(found, key, None)
    failure = known.failure or Failure(operation="migrate_from", rc=1, text="it did not arrive")
    found[key] = replace(known, failure=failure, can_migrate=False)
