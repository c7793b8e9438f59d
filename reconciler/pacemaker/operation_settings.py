"""Reads the operations of a primitive: timeouts, roles, and what their failures lead to."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.model.resource import OnFail, Operation, Role
from reconciler.model.rule import OperationOverride
from reconciler.pacemaker.document import Cib, Element, elements
from reconciler.pacemaker.lineage import Lineage
from reconciler.pacemaker.overrides import Conditional, Settings, settings_of
from reconciler.pacemaker.rules import Subject
from reconciler.pacemaker.values import boolean, duration_ms, role_of

_DEFAULT_TIMEOUT_MS = 20_000
_NOT_FOR_STOP = frozenset({"standby", "demote", "stop"})
_UNCOMMON_ROLES = frozenset({Role.STOPPED, Role.PROMOTED})
VARIABLE = frozenset({"timeout", "on-fail", "enabled"})
"""The settings of operations that can differ from time to time."""
_SYNTHETIC = ("start", "stop", "promote", "demote", "monitor")


@dataclass(frozen=True, slots=True, kw_only=True)
class FailurePolicy:
    """What failures of a resource's operations lead to where nothing is said."""

    has_fencing: bool
    is_contained: bool = False
    """It runs in another resource, which can be restarted."""
    is_connection: bool = False
    """It is the connection to a remote node that can be fenced."""
    is_managed: bool = True

    def default(self, name: str, interval_ms: int) -> OnFail:
        """Return what a failure leads to (Pacemaker lib/pengine/pe_actions.c, pcmk__parse_on_fail)."""
        is_probe = name == "monitor" and not interval_ms
        if self.is_contained:
            return OnFail.RESTART_CONTAINER
        if self.is_connection and not is_probe and name != "start":
            return OnFail.RESET_REMOTE if self.is_managed else OnFail.STOP
        if name == "stop":
            return OnFail.FENCE if self.has_fencing else OnFail.BLOCK
        return OnFail.RESTART

    def understood(self, text: str | None, name: str, interval_ms: int) -> OnFail:
        """Return what a failure leads to by what is said; what makes no sense counts as not said."""
        default = self.default(name, interval_ms)
        if default is OnFail.STOP and self.is_connection:
            return default
        match (text or "").lower():
            case "nothing":
                return OnFail.IGNORE
            case "fence" if not self.has_fencing:
                return OnFail.STOP
            case "restart-container" if not self.is_contained:
                return default
            case "block" | "fence" | "standby" | "ignore" | "migrate" | "stop" | "restart" as said:
                return OnFail(said)
            case "restart-container" | "demote" as said:
                return OnFail(said)
            case _:
                return default


def read_operations(
    lineage: Lineage, policy: FailurePolicy, now: float | None = None
) -> tuple[Operation, ...]:
    """Return the operations of a primitive and its template; of two with one name and interval, the first.

    Operations that are not declared are listed too if their failures lead to something else than a restart.

    Args:
        lineage: of the primitive.
        policy: for what failures lead to.
        now: epoch seconds at which their rules are judged; None: as they are where no rule holds.
    """
    cib = lineage.cib
    found: dict[tuple[str, int], Operation] = {}
    entries = [cib.resolve(op) for op in _entries(cib, lineage.sources)]
    for op in entries:
        written = _written(lineage, op)
        settings = _usual(written, cib.now) if now is None else written.settings.at(now)
        params = written.params.always if now is None else written.params.at(now)
        operation = _operation(written, settings, params, policy)
        before = found.setdefault((operation.name, operation.interval_ms), operation)
        if before is not operation and operation.interval_ms:
            # Nobody can tell which is meant (pcmk_sched_recurring.c, is_op_dup).
            found[operation.name, operation.interval_ms] = replace(before, is_left_alone=True)
    on_demote = _on_demote(list(found.values()), entries)
    demote = found.get(("demote", 0))
    if on_demote is not None and (demote is None or not _says(entries, "demote", "on-fail")):
        found["demote", 0] = replace(demote or Operation(name="demote"), on_fail=on_demote)
    for name in _SYNTHETIC:
        default = policy.default(name, 0)
        if default is not OnFail.RESTART:
            found.setdefault((name, 0), Operation(name=name, on_fail=default))
    return tuple(found.values())


def _entries(cib: Cib, sources: Iterable[Element]) -> list[Element]:
    """Return the <op> elements that count: the template's only where the resource has none for that role.

    Source: Pacemaker lib/pengine/complex.c, unpack_template.
    """
    found: list[Element] = []
    taken: set[tuple[str, Role | None]] = set()
    for source in sources:
        block = next(elements(source, "operations"), None)
        mine = [] if block is None else list(elements(cib.resolve(block), "op"))
        found += [op for op in mine if _key(op) not in taken]
        taken |= {_key(op) for op in mine}
    return found


def _key(op: Element) -> tuple[str, Role | None]:
    role = role_of(op.get("role"))
    return op.get("name", ""), role if role in _UNCOMMON_ROLES else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """What is written of one operation."""

    name: str
    interval_ms: int
    fixed: Mapping[str, str]
    """What goes before all that has rules."""
    settings: Settings
    params: Settings


def _written(lineage: Lineage, op: Element) -> _Written:
    cib, agent = lineage.cib, lineage.subject.agent
    name, interval_ms = op.get("name", ""), duration_ms(op.get("interval"))
    subject = Subject(now=cib.now, agent=agent, operation=(name, interval_ms))
    defaults = [b for b in cib.section("configuration/op_defaults") if b.tag == "meta_attributes"]
    return _Written(
        name=name,
        interval_ms=interval_ms,
        fixed={str(name): str(value) for name, value in op.attrib.items()},
        settings=settings_of(cib, [elements(op, "meta_attributes"), defaults], subject),
        params=settings_of(cib, [elements(op, "instance_attributes")], Subject(now=cib.now, agent=agent)),
    )


def _operation(
    written: _Written, said: Mapping[str, str], params: Mapping[str, str], policy: FailurePolicy
) -> Operation:
    name, interval_ms, settings = written.name, written.interval_ms, {**said, **written.fixed}
    return Operation(
        name=name,
        interval_ms=interval_ms,
        timeout_ms=duration_ms(settings.get("timeout"), _DEFAULT_TIMEOUT_MS) or _DEFAULT_TIMEOUT_MS,
        on_fail=policy.understood(_allowed(settings, name, interval_ms), name, interval_ms),
        role=role_of(settings.get("role")),
        params=params,
        enabled=boolean(settings.get("enabled"), default=True),
    )


def _usual(written: _Written, now: float) -> dict[str, str]:
    """Return settings as they are where no rule holds; what cannot vary is as it is at a time (epoch seconds)."""
    fixed = {name: text for name, text in written.settings.at(now).items() if name not in VARIABLE}
    return fixed | {name: text for name, text in written.settings.always.items() if name in VARIABLE}


def operation_overrides(
    lineage: Lineage, policy: FailurePolicy
) -> Iterator[tuple[Conditional, OperationOverride]]:
    """Yield what holds of operations at times, in the order in which it counts: the last of several does."""
    cib, seen = lineage.cib, set[tuple[str, int]]()
    for op in (cib.resolve(op) for op in _entries(cib, lineage.sources)):
        written = _written(lineage, op)
        if (written.name, written.interval_ms) in seen:
            continue
        seen.add((written.name, written.interval_ms))
        for one in written.settings.conditional:
            said = (one.pairs.keys() & VARIABLE) - written.fixed.keys()
            said -= set() if written.interval_ms else {"enabled"}  # only what recurs can be switched off
            so = _operation(written, {**written.settings.always, **one.pairs}, {}, policy)
            if said:
                change = OperationOverride(
                    name=written.name,
                    interval_ms=written.interval_ms,
                    timeout_ms=so.timeout_ms if "timeout" in said else None,
                    on_fail=so.on_fail if "on-fail" in said else None,
                    enabled=so.enabled if "enabled" in said else None,
                )
                yield one, change
        for one in written.params.conditional:
            yield (
                one,
                OperationOverride(name=written.name, interval_ms=written.interval_ms, params=one.pairs),
            )


def _allowed(settings: Mapping[str, str], name: str, interval_ms: int) -> str | None:
    """Return what on-fail says, if it may be said of such an operation (pe_actions.c, validate_on_fail)."""
    said = settings.get("on-fail")
    text = (said or "").lower()
    if name == "stop" and text in _NOT_FOR_STOP:
        return None
    is_promoted = role_of(settings.get("role")) is Role.PROMOTED
    can_demote = name == "promote" or (name == "monitor" and interval_ms > 0 and is_promoted)
    return None if text == "demote" and not can_demote else said


def _on_demote(operations: Iterable[Operation], entries: Iterable[Element]) -> OnFail | None:
    """Return what a failed demotion leads to by the monitors of promoted instances; None: they say nothing."""
    said = {
        duration_ms(op.get("interval"))
        for op in entries
        if op.get("name") == "monitor" and op.get("on-fail") is not None
    }
    for operation in operations:
        is_monitor = operation.name == "monitor" and operation.role is Role.PROMOTED and operation.enabled
        is_said = operation.interval_ms in said and operation.on_fail is not OnFail.DEMOTE
        if is_monitor and operation.interval_ms and is_said:
            return operation.on_fail
    return None


def _says(entries: Iterable[Element], name: str, attribute: str) -> bool:
    return any(op.get("name") == name and op.get(attribute) is not None for op in entries)
