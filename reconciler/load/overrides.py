"""Settings and parameters that hold for a time, or on some nodes, to those of the model.

What is said closer to a resource goes before: its own overrides before what it says, that before its group's
overrides, those before what its group says, and the cluster's defaults come last.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from reconciler.load import defaults
from reconciler.load.bundles import BundleReading
from reconciler.load.collectives import GroupReading
from reconciler.load.document import (
    ClusterDocument,
    GuestDocument,
    HostDocument,
    RemoteNodeDocument,
    ResourceDocument,
)
from reconciler.load.document_common import Common
from reconciler.load.document_conduct import (
    Defaults,
    DefaultsOverride,
    GuestOverride,
    Override,
    PrimitiveOverride,
    ResourceOverride,
    Settings,
)
from reconciler.load.document_nodes import MachineOverride, NodeOverride
from reconciler.load.document_operations import Monitor, OperationDefaults
from reconciler.load.document_placement import Condition
from reconciler.load.namespace import Namespace
from reconciler.load.nodes import health_labels
from reconciler.load.operations import Usual, interval_of, monitors_overridden, operations_overridden
from reconciler.load.positions import Path, RawDocument
from reconciler.load.problems import Problems
from reconciler.load.rules import Rules
from reconciler.load.validate import Checked
from reconciler.model import rule as model
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.node import HostState
from reconciler.plan.rules import tests_of

_SETTINGS = tuple(Settings.model_fields)
_GUEST = "guest:"
"""Before a guest's type: what is matched with patterns of resource agents."""


@dataclass(frozen=True, slots=True)
class _Read:
    """One override, with its condition judged to make sense."""

    written: Override | DefaultsOverride
    when: model.Condition
    where: Where


def overrides_of_kind(
    said: Defaults, document: GuestDocument | ResourceDocument
) -> Iterator[DefaultsOverride]:
    """Yield the overrides of the cluster's defaults that are for a resource's kind and agent."""
    if isinstance(document, GuestDocument):
        found, agent = said.guest, f"{_GUEST}{document.spec.type}"
    else:
        found, agent = said.resource, document.spec.agent
    for override in (found.overrides if found is not None else None) or []:
        if override.agents is None or any(fnmatchcase(agent, pattern) for pattern in override.agents):
            yield override


@dataclass(frozen=True, slots=True, kw_only=True)
class Overriding:
    """Reads overrides; `problems` takes what makes no sense."""

    names: Namespace
    problems: Problems

    def read(
        self,
        documents: Iterable[tuple[RawDocument, GuestDocument | ResourceDocument]],
        groups: Sequence[GroupReading | BundleReading],
        cluster: Checked | None,
    ) -> Iterator[model.Override]:
        """Yield what holds for each resource at times, or on nodes; of several, the last counts."""
        groups_of = {m: group for group in groups for m in group.members}
        inherited = {g.id: list(self._read(g.raw, _PATH, g.document.spec.overrides)) for g in groups}
        times = self._times_of_operations(cluster)
        usual, said_usually = list(self._of_defaults(cluster)), _defaults_of(cluster)
        for raw, document in documents:
            name, spec = ResourceId(document.metadata.name), document.spec
            group = groups_of.get(name)
            whole = None if group is None else group.document.spec
            # What is in maintenance is managed at no time.
            is_paused = next((s.maintenance for s in (spec, whole) if s and s.maintenance is not None), False)
            never = {"managed"} if is_paused else set()
            own, above = _said(spec) | never, set() if whole is None else _said(whole)
            mine = list(overrides_of_kind(said_usually, document))
            for place, override in enumerate(mine):
                fixed = {setting for one in mine[place:] if one.when is None for setting in _said(one)}
                for read in usual:
                    if read.written is override:
                        yield _override(name, read, own | above | fixed)
            yield from _of_operations(document, said_usually.operations, times)
            for read in [] if group is None else inherited[group.id]:
                yield _override(name, read, own)
            for read in self._read(raw, _PATH, spec.overrides):
                yield _override(name, read, never)
            if isinstance(document, ResourceDocument):
                self._check_monitors(raw, document)

    def of_nodes(
        self,
        documents: Iterable[
            tuple[RawDocument, HostDocument | RemoteNodeDocument | GuestDocument | ResourceDocument]
        ],
    ) -> Iterator[model.NodeOverride]:
        """Yield what holds at times for each node; of several, the last counts."""
        for raw, document in documents:
            path: Path = _PATH
            said: Sequence[NodeOverride] | None
            name, said = document.metadata.name, None
            if isinstance(document, HostDocument | RemoteNodeDocument):
                said = document.spec.overrides if document.spec is not None else None
            elif document.spec.remote_node is not None:
                path, name = ("spec", "remoteNode", "overrides"), document.spec.remote_node.name
                said = document.spec.remote_node.overrides
            for index, written in enumerate(said or []):
                when = self._date(raw, (*path, index), written.when)
                health = written.health if isinstance(written, MachineOverride) else None
                labels = {**(written.labels or {}), **health_labels(health)}
                if when is None:
                    continue
                if written.state is None and not labels and not written.capacity:
                    self._changes_nothing(raw, (*path, index))
                yield model.NodeOverride(
                    node=NodeName(name),
                    when=when,
                    where=raw.at((*path, index)),
                    state=None if written.state is None else HostState(written.state),
                    labels=labels,
                    capacity=dict(written.capacity or {}),
                )

    def of_cluster(self, cluster: Checked | None) -> Iterator[model.PolicyOverride]:
        """Yield what holds at times for the whole cluster; of several, the last counts."""
        if cluster is None or not isinstance(cluster.document, ClusterDocument):
            return
        spec = cluster.document.spec
        for index, written in enumerate((spec.overrides if spec is not None else None) or []):
            place: Path = (*_PATH, index)
            when = self._date(cluster.raw, place, written.when)
            if when is None:
                continue
            fields = defaults.fields_said(written, written.fencing)
            if not fields:
                self._changes_nothing(cluster.raw, place)
            yield model.PolicyOverride(
                when=when,
                where=cluster.raw.at(place),
                policy=defaults.policy_of(written, written.fencing),
                fields=fields,
            )

    def _times_of_operations(self, cluster: Checked | None) -> Mapping[int, tuple[model.Condition, Where]]:
        """Return when the cluster's defaults for operations hold, by place, and where that is said."""
        found = {}
        said = _defaults_of(cluster).operations
        for index, written in enumerate((said.overrides if said is not None else None) or []):
            if cluster is None or written.when is None:
                continue
            path: Path = ("spec", "defaults", "operations", "overrides", index)
            when = self._date(cluster.raw, path, written.when)
            if when is not None:
                found[index] = (when, cluster.raw.at(path))
        return found

    def _date(self, raw: RawDocument, path: Path, written: Condition) -> model.Condition | None:
        """Return a condition that only the time decides; None, with a problem, if there is more to it."""
        when = Rules(names=self.names, problems=self.problems).read(raw, (*path, "when"), written)
        if when is not None and any(isinstance(test, model.AttributeTest) for test in tests_of(when)):
            text, hint = (
                "this holds on every node, so that only the time can decide on it",
                "write dates only",
            )
            self.problems.add(raw.key_at((*path, "when")), "bad-rule", text, hint)
            return None
        return when

    def _changes_nothing(self, raw: RawDocument, path: Path) -> None:
        text, hint = "this override changes nothing", "add what holds then"
        self.problems.add(raw.at(path), "missing-field", text, hint)

    def _check_monitors(self, raw: RawDocument, document: ResourceDocument) -> None:
        """Refuse what is said at times of checks that are not declared."""
        spec = document.spec
        declared = Monitor() if spec.op is None or spec.op.monitor is None else spec.op.monitor
        monitors = [declared] if isinstance(declared, Monitor) else declared
        intervals = {interval_of(monitor) for monitor in monitors}
        for index, override in enumerate(spec.overrides or []):
            for monitor in [] if override.op is None else monitors_overridden(override.op):
                if interval_of(monitor) not in intervals:
                    text = f"there is no monitor with the interval {interval_of(monitor)}ms beside these overrides"
                    hint = "write the interval of one that is declared"
                    where = raw.key_at((*_PATH, index, "op", "monitor"))
                    self.problems.add(where, "bad-reference", text, hint)

    def _of_defaults(self, cluster: Checked | None) -> Iterator[_Read]:
        if cluster is None:
            return
        said = _defaults_of(cluster)
        for kind, found in (("resource", said.resource), ("guest", said.guest)):
            overrides = found.overrides if found is not None else None
            yield from self._read(cluster.raw, ("spec", "defaults", kind, "overrides"), overrides)

    def _read(
        self, raw: RawDocument, path: Path, overrides: Sequence[Override | DefaultsOverride] | None
    ) -> Iterator[_Read]:
        """Yield the overrides of a document that have a condition which can be judged."""
        rules = Rules(names=self.names, problems=self.problems)
        for index, written in enumerate(overrides or []):
            place: Path = (*path, index)
            when = None
            if written.when is not None:
                when = rules.read(raw, (*place, "when"), written.when)
                if when is None:
                    continue
            self._check(raw, place, written, when)
            if when is not None:
                yield _Read(written, when, raw.at(place))

    def _check(
        self,
        raw: RawDocument,
        path: Path,
        written: Override | DefaultsOverride,
        when: model.Condition | None,
    ) -> None:
        takes_params = isinstance(written, ResourceOverride)
        has_settings = bool(_said(written)) or _has_more(written)
        if not has_settings and not (isinstance(written, ResourceOverride) and written.params):
            self._changes_nothing(raw, path)
        if when is None and isinstance(written, DefaultsOverride) and written.agents is None:
            text, hint = "this override always holds", "add agents: or when:, or write it beside overrides:"
            self.problems.add(raw.at(path), "missing-field", text, hint)
        tests = () if when is None else tests_of(when)
        if has_settings and any(isinstance(test, model.AttributeTest) for test in tests):
            text = "settings are the same on every node, so that only the time can decide on them"
            hint = "write dates only; what depends on nodes stands in placement.rules"
            hint += ", or, for params, in an override of their own" if takes_params else ""
            self.problems.add(raw.key_at((*path, "when")), "bad-rule", text, hint)


_PATH: Path = ("spec", "overrides")


def _of_operations(
    document: GuestDocument | ResourceDocument,
    said: OperationDefaults | None,
    times: Mapping[int, tuple[model.Condition, Where]],
) -> Iterator[model.Override]:
    """Yield what the cluster's defaults for operations mean for a resource at times; for guests there are none."""
    if not isinstance(document, ResourceDocument) or not times:
        return
    spec, name = document.spec, ResourceId(document.metadata.name)
    for index, operations in Usual(said, spec.agent).at_times(spec.op):
        if index in times and operations:
            when, where = times[index]
            yield model.Override(resource=name, when=when, where=where, operations=operations)


def _defaults_of(cluster: Checked | None) -> Defaults:
    document = None if cluster is None else cluster.document
    spec = document.spec if isinstance(document, ClusterDocument) else None
    return (spec.defaults if spec is not None else None) or Defaults()


def _said(written: Settings | Common) -> set[str]:
    """Return the settings of which something is said."""
    return {name for name in _SETTINGS if getattr(written, name) is not None}


def _has_more(written: Override | DefaultsOverride) -> bool:
    """Tell whether something is said of operations, or of what is needed."""
    if not isinstance(written, PrimitiveOverride):
        return False
    op = written.op if isinstance(written, GuestOverride | ResourceOverride) else None
    return bool(written.needs) or bool(operations_overridden(op))


def _override(resource: ResourceId, read: _Read, without: Collection[str]) -> model.Override:
    """Return an override without some of its settings."""
    written = read.written.model_copy(update=dict.fromkeys(without))
    params = written.params if isinstance(written, ResourceOverride) else None
    multiple = written.multiple_active
    needs = written.needs if isinstance(written, PrimitiveOverride) else None
    op = written.op if isinstance(written, GuestOverride | ResourceOverride) else None
    return model.Override(
        resource=resource,
        when=read.when,
        where=read.where,
        params=dict(params or {}),
        stickiness=written.stickiness,
        priority=written.priority,
        failure_limit=written.failure_limit,
        failure_timeout_ms=written.failure_timeout,
        start_failure_is_fatal=written.start_failure_is_fatal,
        multiple_active=None if multiple is None else defaults.MULTIPLE_ACTIVE[multiple],
        state=None if written.state is None else defaults.ROLES[written.state],
        is_managed=written.managed,
        needs=dict(needs or {}),
        operations=operations_overridden(op),
    )
