"""Settings and parameters that hold for a time, or on some nodes, to those of the model.

What is said closer to a resource goes before: its own overrides before what it says, that before its group's
overrides, those before what its group says, and the cluster's defaults come last.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from reconciler.load import defaults
from reconciler.load.collectives import GroupReading
from reconciler.load.document import ClusterDocument, Common, GuestDocument, ResourceDocument
from reconciler.load.document_conduct import (
    Defaults,
    DefaultsOverride,
    Override,
    ResourceOverride,
    Settings,
)
from reconciler.load.namespace import Namespace
from reconciler.load.positions import Path, RawDocument
from reconciler.load.problems import Problems
from reconciler.load.rules import Rules
from reconciler.load.validate import Checked
from reconciler.model import rule as model
from reconciler.model.names import ResourceId, Where
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
        groups: Sequence[GroupReading],
        cluster: Checked | None,
    ) -> Iterator[model.Override]:
        """Yield what holds for each resource at times, or on nodes; of several, the last counts."""
        groups_of: Mapping[ResourceId, GroupReading] = {m: group for group in groups for m in group.members}
        inherited = {g.id: list(self._read(g.raw, _PATH, g.document.spec.overrides)) for g in groups}
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
            for read in [] if group is None else inherited[group.id]:
                yield _override(name, read, own)
            for read in self._read(raw, _PATH, spec.overrides):
                yield _override(name, read, never)

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
        has_settings = bool(_said(written))
        if not has_settings and not (isinstance(written, ResourceOverride) and written.params):
            text, hint = "this override changes nothing", "add what holds then"
            self.problems.add(raw.at(path), "missing-field", text, hint)
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


def _defaults_of(cluster: Checked | None) -> Defaults:
    document = None if cluster is None else cluster.document
    spec = document.spec if isinstance(document, ClusterDocument) else None
    return (spec.defaults if spec is not None else None) or Defaults()


def _said(written: Settings | Common) -> set[str]:
    """Return the settings of which something is said."""
    return {name for name in _SETTINGS if getattr(written, name) is not None}


def _override(resource: ResourceId, read: _Read, without: Collection[str]) -> model.Override:
    """Return an override without some of its settings."""
    written = read.written.model_copy(update=dict.fromkeys(without))
    params = written.params if isinstance(written, ResourceOverride) else None
    multiple = written.multiple_active
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
    )
