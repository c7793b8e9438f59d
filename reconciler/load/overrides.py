"""Settings that hold for a time, to those of the model."""

from reconciler.load import defaults
from reconciler.load.document import GuestDocument, Override, ResourceDocument
from reconciler.load.namespace import Namespace
from reconciler.load.positions import Path, RawDocument
from reconciler.load.problems import Problems
from reconciler.load.rules import Rules
from reconciler.model import rule as model
from reconciler.model.names import ResourceId
from reconciler.plan.rules import tests_of

_EMPTY = Override.model_fields.keys() - {"when"}


def overrides_of(
    raw: RawDocument, document: GuestDocument | ResourceDocument, names: Namespace, problems: Problems
) -> list[model.Override]:
    """Return what holds for a resource at certain times; `problems` takes what makes no sense."""
    found = []
    for index, written in enumerate(document.spec.overrides or []):
        path: Path = ("spec", "overrides", index)
        when = Rules(names=names, problems=problems).read(raw, (*path, "when"), written.when)
        if when is None:
            continue
        if not all(isinstance(test, model.DateTest) for test in tests_of(when)):
            text = "settings are the same on every node, so that only the time can decide on them"
            hint = "write dates only; what depends on nodes stands in placement.rules"
            problems.add(raw.key_at((*path, "when")), "bad-rule", text, hint)
        if all(getattr(written, name) is None for name in _EMPTY):
            problems.add(
                raw.at(path), "missing-field", "this override changes nothing", "add what holds then"
            )
        if written.params is not None and isinstance(document, GuestDocument):
            text, hint = "guests have no parameters", "remove params"
            problems.add(raw.key_at((*path, "params")), "does-not-fit", text, hint)
        found.append(_override(ResourceId(document.metadata.name), raw, path, written, when))
    return found


def _override(
    resource: ResourceId, raw: RawDocument, path: Path, written: Override, when: model.Condition
) -> model.Override:
    multiple = written.multiple_active
    return model.Override(
        resource=resource,
        when=when,
        where=raw.at(path),
        params=dict(written.params or {}),
        stickiness=written.stickiness,
        priority=written.priority,
        failure_limit=written.failure_limit,
        failure_timeout_ms=written.failure_timeout,
        start_failure_is_fatal=written.start_failure_is_fatal,
        multiple_active=None if multiple is None else defaults.MULTIPLE_ACTIVE[multiple],
        state=None if written.state is None else defaults.ROLES[written.state],
        is_managed=written.managed,
    )
