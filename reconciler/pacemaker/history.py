"""Follows the history of a resource on a node, and concludes what it does there now.

The rules, as Pacemaker has them (lib/pengine/unpack.c, unpack_rsc_op and what it calls):

* Entries count in the order in which they happened. What ended as expected says where the resource is.
* A failed operation leaves the resource where it was taken to be: something that failed to start, stop or be
  monitored may still run. A probe that found the program missing says that nothing runs there, nor can.
* Of several failures the one with the hardest consequence counts. A later success of a start, a stop or the same
  monitor answers it, unless its consequence is to last.
* Failures that are forgotten after a while are passed over then; monitors among them are armed anew.
* Recurring monitors are armed that were begun after the last start.
* What was started, or first found, with other parameters than declared is started_as that, unless its resource agent
  can take up those that differ while it runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.model.digest import own_digest, start_parameters
from reconciler.model.names import NodeName
from reconciler.model.observed import Failure, Instance, StartedAs
from reconciler.model.operation import (
    HARD_ERRORS,
    OCF_ERR_INSTALLED,
    OCF_FAILED_PROMOTED,
    OCF_NOT_RUNNING,
    OCF_OK,
    OCF_RUNNING_PROMOTED,
    STATUS_NOT_INSTALLED,
    STATUS_PENDING,
    Monitor,
)
from reconciler.model.resource import OnFail, Resource, ResourceAgent, Role
from reconciler.pacemaker.digests import DefinitionChange, definition_change
from reconciler.pacemaker.history_entries import Entry, Outcome

_SEVERITY = {kind: number for number, kind in enumerate(OnFail)}
_LASTING = frozenset({OnFail.STOP, OnFail.BAN, OnFail.STANDBY, OnFail.FENCE})
"""Consequences that a later success does not end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the history of one resource on one node is read against."""

    resource: Resource
    """As declared, under the name that the node knows it by."""
    node: NodeName
    agent: ResourceAgent
    """The resource agent that the history is of."""
    now: float
    has_expired: bool = False
    """The resource forgets failures, and none that it has counted here is recent."""
    is_promotable: bool = False
    has_digests: bool = True
    """Whether digests can be compared with those of the declared parameters."""


@dataclass(slots=True)
class Course:
    """What is known after some of the entries."""

    role: Role | None = None
    """None: nothing is known."""
    failure: Failure | None = None
    on_fail: OnFail = OnFail.IGNORE
    params: Mapping[str, str] | None = None
    """With which it was started; None: the declared ones."""
    needs_reload: bool = False
    """It was started with values of parameters that it can be given anew while it runs."""
    last_failure: Entry | None = None
    is_starting: bool = False
    bans: bool = False
    """The node will not do."""
    is_fatal: bool = False
    """No node will do."""
    ignores_failures: bool = False
    rearmed: set[str] = field(default_factory=set)
    """Entries of monitors that are to be armed anew."""
    migrations: list[Entry] = field(default_factory=list)
    """What counts of live migrations, whose other end decides what is true."""

    @property
    def is_active(self) -> bool:
        """Tell whether the resource runs, or may run."""
        return self.role not in {None, Role.STOPPED}


def follow(history: Sequence[Entry], given: Circumstances) -> Course:
    """Return what is known after a whole history, in the order in which it happened."""
    course = Course()
    for entry in history:
        if _is_passed_over(course, entry, given):
            continue
        outcome = entry.outcome(is_managed=given.resource.is_managed)
        match outcome:
            case Outcome.PENDING:
                _pend(course, entry, given)
            case Outcome.ABSENT:
                course.role, course.bans = Role.STOPPED, True
            case Outcome.EXPECTED:
                _succeed(course, entry, given)
            case Outcome.FAILED | Outcome.HARD | Outcome.FATAL:
                _fail(course, entry, given, outcome)
    return course


def instance_of(course: Course, history: Sequence[Entry], given: Circumstances) -> Instance | None:
    """Return what a resource does on a node; None when its history says nothing."""
    if course.role is None:
        return None
    found = Instance(resource=given.resource.id, node=given.node, role=course.role, failure=course.failure)
    found = replace(found, monitors=_armed(history, course, given))
    if not course.is_active:
        return found
    started_as = replace(start_parameters(given.resource, given.node), agent=given.agent)
    if course.params is not None:
        started_as = StartedAs(agent=given.agent, params=course.params)
    return replace(
        found,
        started_as=started_as,
        is_starting=course.is_starting,
        needs_reload=course.params is None and course.needs_reload,
    )


def _is_passed_over(course: Course, entry: Entry, given: Circumstances) -> bool:
    """Tell whether an entry is a failure that is forgotten (unpack.c, check_operation_expiry)."""
    timeout_s = given.resource.failure_timeout_ms / 1000
    if (
        timeout_s <= 0
        or not entry.at
        or not given.has_expired
        or entry.status in {STATUS_NOT_INSTALLED, STATUS_PENDING}
    ):
        return False
    is_answer = entry.is_probe and entry.effective_rc in {OCF_OK, OCF_NOT_RUNNING, OCF_RUNNING_PROMOTED}
    if given.now < entry.at + timeout_s or is_answer or entry.effective_rc == entry.expected_rc:
        return False
    if entry.interval_ms and entry.digests.all:
        course.rearmed.add(entry.id)
    return True


def _pend(course: Course, entry: Entry, given: Circumstances) -> None:
    last = course.last_failure
    if last is not None and _is_same_operation(last, entry) and last.at >= entry.at:
        return
    if entry.operation == "start":
        course.role, course.is_starting = _running_role(given), True
    elif entry.operation == "promote":
        course.role = Role.PROMOTED
    elif entry.operation == "migrate_to":
        course.migrations.append(entry)


def _succeed(course: Course, entry: Entry, given: Circumstances) -> None:
    """Take a success for what it says (unpack.c, update_resource_state)."""
    rc, is_answer = entry.effective_rc, False
    if rc == OCF_NOT_RUNNING:
        course.role = Role.STOPPED
        _answer(course, is_complete=True)
        return
    if rc == OCF_RUNNING_PROMOTED:
        course.role = Role.PROMOTED
    match entry.operation:
        case "start" | "migrate_from":
            course.role, is_answer = _running_role(given), True
            course.is_starting = False
        case "stop":
            course.role, is_answer, course.is_starting = Role.STOPPED, True, False
        case "promote":
            course.role, is_answer = Role.PROMOTED, True
        case "demote":
            course.role, is_answer = Role.UNPROMOTED, course.on_fail is OnFail.DEMOTE
        case "migrate_to":
            course.migrations.append(entry)
        case _:
            is_answer = course.last_failure is not None and _is_same_operation(course.last_failure, entry)
            if not course.is_active:
                course.role = _running_role(given)
    if _is_start(entry):
        change = definition_change(given.resource, entry) if given.has_digests else DefinitionChange.NONE
        course.params = _params_of(entry) if change is DefinitionChange.RESTART else None
        course.needs_reload = change is DefinitionChange.RELOAD
    if is_answer:
        _answer(course)


def _answer(course: Course, *, is_complete: bool = False) -> None:
    """Forget a failure, unless its consequence is to last."""
    if is_complete or course.on_fail not in _LASTING:
        course.failure, course.on_fail = None, OnFail.IGNORE


def _fail(course: Course, entry: Entry, given: Circumstances, outcome: Outcome) -> None:
    """Take a failure for what it says (unpack.c, unpack_rsc_op_failure)."""
    on_fail = given.resource.operation(entry.operation, entry.interval_ms).on_fail
    is_contained_stop = on_fail is OnFail.RESTART_CONTAINER and entry.operation == "stop"
    is_missing = entry.status == STATUS_NOT_INSTALLED
    if (on_fail is OnFail.IGNORE or is_contained_stop) and not is_missing:
        course.ignores_failures = True
        _succeed(course, replace(entry, rc=max(entry.expected_rc, 0)), given)
        if is_contained_stop and _SEVERITY[course.on_fail] <= _SEVERITY[OnFail.RESTART]:
            _remember(course, entry, on_fail, outcome)
        return
    course.last_failure = entry
    if is_missing and on_fail is OnFail.IGNORE:
        on_fail = OnFail.BAN
    if course.failure is None or _SEVERITY[on_fail] > _SEVERITY[course.on_fail]:
        _remember(course, entry, on_fail, outcome)
    course.bans |= entry.operation == "stop" or outcome is Outcome.HARD
    course.is_fatal |= outcome is Outcome.FATAL
    if entry.operation in {"migrate_to", "migrate_from"}:
        course.role = Role.STARTED
        course.migrations.append(entry)
    _role_after_failure(course, entry, given, on_fail)


def _remember(course: Course, entry: Entry, on_fail: OnFail, outcome: Outcome) -> None:
    course.on_fail = on_fail
    course.failure = Failure(
        operation=entry.operation,
        rc=entry.rc,
        text=entry.reason or f"return code {entry.rc}",
        interval_ms=entry.interval_ms,
        is_hard=outcome is not Outcome.FAILED or entry.rc in HARD_ERRORS,
        is_missing=entry.status == STATUS_NOT_INSTALLED,
    )


def _role_after_failure(course: Course, entry: Entry, given: Circumstances, on_fail: OnFail) -> None:
    rc = entry.effective_rc
    if rc in {OCF_RUNNING_PROMOTED, OCF_FAILED_PROMOTED} or entry.operation == "promote":
        course.role = Role.PROMOTED
    if entry.operation == "demote":
        # To take it for promoted would lead to one demotion after the other.
        is_stuck = on_fail is OnFail.BLOCK
        course.role = Role.PROMOTED if is_stuck else Role.UNPROMOTED
        if rc == OCF_NOT_RUNNING and not is_stuck:
            course.role = Role.STOPPED
    if entry.is_probe and rc == OCF_ERR_INSTALLED:
        course.role = Role.STOPPED
    elif not course.is_active:
        course.role = _running_role(given)


def _running_role(given: Circumstances) -> Role:
    return Role.UNPROMOTED if given.is_promotable else Role.STARTED


def _is_same_operation(one: Entry, other: Entry) -> bool:
    return (one.operation, one.interval_ms) == (other.operation, other.interval_ms)


def since_start(history: Sequence[Entry]) -> list[Entry]:
    """Return the entries that are about what runs now (unpack.c, calculate_active_ops and process_recurring)."""
    first, last_stop = _activity(history)
    return [
        entry
        for index, entry in enumerate(history)
        if index >= first and not (first < last_stop and index <= last_stop)
    ]


def _armed(history: Sequence[Entry], course: Course, given: Circumstances) -> frozenset[Monitor]:
    """Return the recurring monitors that are armed.

    One of a role whose definition has changed is left out: it is armed anew where it fits the role, and elsewhere
    Pacemaker leaves it alone (lib/pacemaker/pcmk_sched_recurring.c, recurring_op_for_active).
    """
    of_roles = {(o.name, o.interval_ms) for o in given.resource.operations if o.role is not None}
    found: dict[tuple[str, int], Monitor] = {}
    stale: set[tuple[str, int]] = set()
    for entry in since_start(history):
        if not entry.interval_ms or entry.status == STATUS_PENDING:
            continue
        operation = given.resource.operation(entry.operation, entry.interval_ms)
        key = (entry.operation, entry.interval_ms)
        is_changed = given.has_digests and (
            definition_change(given.resource, entry) is not DefinitionChange.NONE
        )
        if is_changed and key in of_roles:
            found.pop(key, None)
            continue
        if entry.id in course.rearmed or is_changed:
            stale.add(key)
        found[key] = Monitor(
            name=entry.operation,
            interval_ms=entry.interval_ms,
            timeout_ms=0 if key in stale else operation.timeout_ms,
            params=own_digest(operation.params),
        )
    return frozenset(found.values())


def _activity(history: Sequence[Entry]) -> tuple[int, int]:
    """Return the places of the last start, or what shows that there was one, and of the last stop; -1 for none."""
    start = stop = found = changed = -1
    for index, entry in enumerate(history):
        if entry.operation == "stop" and entry.status == 0:
            stop = index
        elif entry.operation in {"start", "migrate_from"}:
            start = index
        elif found <= stop and entry.operation == "monitor":
            found = index if entry.rc in {OCF_OK, OCF_RUNNING_PROMOTED} else found
        elif entry.operation in {"promote", "demote"}:
            changed = index
    if start == -1:
        start = changed if changed != -1 else found
    return start, stop


def _is_start(entry: Entry) -> bool:
    is_start = entry.operation in {"start", "migrate_from", "promote"}
    return (entry.rc == OCF_OK and is_start) or (
        entry.is_probe and entry.rc in {OCF_OK, OCF_RUNNING_PROMOTED}
    )


def _params_of(entry: Entry) -> Mapping[str, str]:
    """Return what is known of parameters that something was started with, or found, and that are others now."""
    return {"op-digest": entry.digests.all or entry.digests.restart}
