"""Reads the operations of a primitive: timeouts, roles, and what their failures lead to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reconciler.model.resource import OnFail, Operation, Role
from reconciler.pacemaker.document import Cib, Element, elements
from reconciler.pacemaker.lineage import Lineage
from reconciler.pacemaker.nvpairs import pairs
from reconciler.pacemaker.rules import Subject
from reconciler.pacemaker.values import boolean, duration_ms, role_of

_DEFAULT_TIMEOUT_MS = 20_000
_NOT_FOR_STOP = frozenset({"standby", "demote", "stop"})
_UNCOMMON_ROLES = frozenset({Role.STOPPED, Role.PROMOTED})
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


def read_operations(lineage: Lineage, policy: FailurePolicy) -> tuple[Operation, ...]:
    """Return the operations of a primitive and its template; of two with one name and interval, the first.

    Operations that are not declared are listed too if their failures lead to something else than a restart.
    """
    cib, subject = lineage.cib, lineage.subject
    found: dict[tuple[str, int], Operation] = {}
    entries = [cib.resolve(op) for op in _entries(cib, lineage.sources)]
    for op in entries:
        operation = _operation(cib, op, subject, policy)
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


def _operation(cib: Cib, op: Element, subject: Subject, policy: FailurePolicy) -> Operation:
    name, interval_ms = op.get("name", ""), duration_ms(op.get("interval"))
    settings = _settings(cib, op, Subject(now=cib.now, agent=subject.agent, operation=(name, interval_ms)))
    role = role_of(settings.get("role"))
    return Operation(
        name=name,
        interval_ms=interval_ms,
        timeout_ms=duration_ms(settings.get("timeout"), _DEFAULT_TIMEOUT_MS) or _DEFAULT_TIMEOUT_MS,
        on_fail=policy.understood(_allowed(settings, name, interval_ms), name, interval_ms),
        role=role,
        params=pairs(cib, elements(op, "instance_attributes"), Subject(now=cib.now, agent=subject.agent)),
        enabled=boolean(settings.get("enabled"), default=True),
    )


def _settings(cib: Cib, op: Element, subject: Subject) -> dict[str, str]:
    defaults = [b for b in cib.section("configuration/op_defaults") if b.tag == "meta_attributes"]
    return {
        **pairs(cib, defaults, subject),
        **pairs(cib, elements(op, "meta_attributes"), subject),
        **{str(name): str(value) for name, value in op.attrib.items()},
    }


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
