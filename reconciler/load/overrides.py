"""Settings and parameters that hold for a time, or on some nodes, to those of the model.

What is said closer to a resource goes before: its own overrides before what it says, that before its group's
overrides, and those before what its group says.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.load import defaults
from reconciler.load.collectives import GroupReading
from reconciler.load.document import Common, GroupDocument, GuestDocument, ResourceDocument
from reconciler.load.document_conduct import Override, ResourceOverride
from reconciler.load.namespace import Namespace
from reconciler.load.positions import Path, RawDocument
from reconciler.load.problems import Problems
from reconciler.load.rules import Rules
from reconciler.model import rule as model
from reconciler.model.names import ResourceId, Where
from reconciler.plan.rules import tests_of

_SETTINGS = tuple(name for name in Override.model_fields if name != "when")


@dataclass(frozen=True, slots=True)
class _Read:
    """One override, with its condition judged to make sense."""

    written: Override
    when: model.Condition
    where: Where


def overrides_of(
    documents: Iterable[tuple[RawDocument, GuestDocument | ResourceDocument]],
    groups: Sequence[GroupReading],
    names: Namespace,
    problems: Problems,
) -> Iterator[model.Override]:
    """Yield what holds for each resource at times, or on nodes; `problems` takes what makes no sense."""
    reader = _Reader(names=names, problems=problems)
    groups_of: Mapping[ResourceId, GroupReading] = {m: group for group in groups for m in group.members}
    inherited = {group.id: list(reader.read(group.raw, group.document)) for group in groups}
    for raw, document in documents:
        name, spec = ResourceId(document.metadata.name), document.spec
        group = groups_of.get(name)
        whole = None if group is None else group.document.spec
        # What is in maintenance is managed at no time.
        is_paused = next((s.maintenance for s in (spec, whole) if s and s.maintenance is not None), False)
        never = {"managed"} if is_paused else set()
        for read in [] if group is None else inherited[group.id]:
            yield _override(name, read, _said(spec) | never)
        for read in reader.read(raw, document):
            yield _override(name, read, never)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    names: Namespace
    problems: Problems

    def read(
        self, raw: RawDocument, document: GuestDocument | ResourceDocument | GroupDocument
    ) -> Iterator[_Read]:
        """Yield the overrides of a document whose conditions can be judged."""
        rules = Rules(names=self.names, problems=self.problems)
        for index, written in enumerate(document.spec.overrides or []):
            path: Path = ("spec", "overrides", index)
            when = rules.read(raw, (*path, "when"), written.when)
            if when is not None:
                self._check(raw, path, written, when)
                yield _Read(written, when, raw.at(path))

    def _check(self, raw: RawDocument, path: Path, written: Override, when: model.Condition) -> None:
        takes_params = isinstance(written, ResourceOverride)
        has_settings = bool(_said(written))
        if not has_settings and not (isinstance(written, ResourceOverride) and written.params):
            text, hint = "this override changes nothing", "add what holds then"
            self.problems.add(raw.at(path), "missing-field", text, hint)
        if has_settings and any(isinstance(test, model.AttributeTest) for test in tests_of(when)):
            text = "settings are the same on every node, so that only the time can decide on them"
            hint = "write dates only; what depends on nodes stands in placement.rules"
            hint += ", or, for params, in an override of their own" if takes_params else ""
            self.problems.add(raw.key_at((*path, "when")), "bad-rule", text, hint)


def _said(written: Override | Common) -> set[str]:
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
