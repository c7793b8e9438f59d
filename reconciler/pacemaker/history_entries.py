"""Opens the history of a resource on a node: its operations, in the order in which they happened."""

from dataclasses import dataclass
from enum import Enum
from functools import cmp_to_key

from reconciler.model.names import NodeName
from reconciler.model.operation import (
    OCF_DEGRADED,
    OCF_DEGRADED_PROMOTED,
    OCF_ERR_ARGS,
    OCF_ERR_CONFIGURED,
    OCF_ERR_INSTALLED,
    OCF_ERR_PERM,
    OCF_ERR_UNIMPLEMENTED,
    OCF_NOT_RUNNING,
    OCF_OK,
    OCF_RUNNING_PROMOTED,
    STATUS_CANCELLED,
    STATUS_DONE,
    STATUS_ERROR,
    STATUS_NO_FENCE_DEVICE,
    STATUS_NO_SECRETS,
    STATUS_NOT_INSTALLED,
    STATUS_PENDING,
)
from reconciler.pacemaker.document import Element, elements
from reconciler.pacemaker.values import integer

_RELEVANT = frozenset({
    "monitor", "start", "stop", "promote", "demote", "migrate_to", "migrate_from", "asyncmon",
})  # fmt: skip


class Outcome(Enum):
    """How an operation ended, measured by what was expected of it."""

    PENDING = "pending"
    EXPECTED = "expected"
    """Or of no consequence."""
    ABSENT = "absent"
    """A probe that says that the resource cannot run here: it does not, and must not."""
    FAILED = "failed"
    HARD = "hard"
    """Failed so that this node will not do."""
    FATAL = "fatal"
    """Failed so that no node will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """What an entry says of the parameters that its operation was run with."""

    all: str = ""
    """Empty: not recorded."""
    restart: str = ""
    """Of those alone whose change asks for a restart."""
    restart_names: frozenset[str] | None = None
    """None: all."""
    secure: str = ""
    """Of those that are no secrets."""
    secret_names: frozenset[str] = frozenset()
    covers_operation: bool = True
    """The digest without secrets covers the operation's own parameters (since CRM feature set 3.16.0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One <lrm_rsc_op>."""

    id: str
    call: int
    operation: str
    interval_ms: int
    rc: int
    status: int
    expected_rc: int
    """Below 0: not known."""
    at: float
    """Epoch seconds; 0: not recorded."""
    reason: str = ""
    digests: Digests = Digests()
    transition: tuple[str, int] = ("", -1)
    """Whose transition it was in, and which."""
    on_node: str = ""
    """Where it ran; empty: not recorded."""
    source: NodeName | None = None
    target: NodeName | None = None
    """Of a live migration."""

    @property
    def is_probe(self) -> bool:
        """Tell whether it only asked once what is."""
        return self.operation == "monitor" and self.interval_ms == 0

    @property
    def is_last_failure(self) -> bool:
        """Tell whether it is the record of a failure that newer operations do not replace."""
        return self.id.endswith("_last_failure_0")

    @property
    def effective_rc(self) -> int:
        """Return the return code, with degraded states taken for good ones."""
        return {OCF_DEGRADED: OCF_OK, OCF_DEGRADED_PROMOTED: OCF_RUNNING_PROMOTED}.get(self.rc, self.rc)

    @property
    def says_absent(self) -> bool:
        """Tell whether it is a probe that failed for what is missing: then nothing can run there.

        Source: Pacemaker lib/common/probes.c, pcmk_xe_mask_probe_failure.
        """
        is_missing = self.rc in {OCF_ERR_INSTALLED, OCF_ERR_ARGS} or self.status == STATUS_NOT_INSTALLED
        return self.is_probe and is_missing

    def outcome(self, *, is_managed: bool) -> Outcome:
        """Return how it ended (Pacemaker lib/pengine/unpack.c, remap_operation)."""
        if self.status == STATUS_PENDING:
            return Outcome.PENDING
        if self.says_absent:
            return Outcome.ABSENT
        if self.status in {STATUS_NO_FENCE_DEVICE, STATUS_NO_SECRETS, STATUS_NOT_INSTALLED}:
            return Outcome.HARD
        if self.status not in {STATUS_DONE, STATUS_ERROR}:
            return Outcome.FAILED
        return self._by_code(is_managed=is_managed)

    def _by_code(self, *, is_managed: bool) -> Outcome:
        rc = self.effective_rc
        if rc == OCF_ERR_CONFIGURED:
            return Outcome.FATAL
        if rc in {OCF_ERR_INSTALLED, OCF_ERR_ARGS, OCF_ERR_PERM}:
            return Outcome.HARD
        if rc == OCF_ERR_UNIMPLEMENTED:
            return Outcome.FAILED if self.interval_ms else Outcome.HARD
        is_answer = self.is_probe and rc in {OCF_OK, OCF_RUNNING_PROMOTED, OCF_NOT_RUNNING}
        is_gone = rc == OCF_NOT_RUNNING and not is_managed
        is_fine = rc == self.expected_rc or is_answer or is_gone
        return Outcome.EXPECTED if is_fine else Outcome.FAILED


def entries(lrm_resource: Element) -> list[Entry]:
    """Return what counts of a resource's history, in the order in which it happened."""
    found = [_entry(op) for op in elements(lrm_resource, "lrm_rsc_op")]
    counting = [e for e in found if e.operation in _RELEVANT and e.status != STATUS_CANCELLED]
    return sorted(counting, key=cmp_to_key(order_of))


def order_of(one: Entry, other: Entry) -> int:
    """Return less than, equal to or more than 0, as one entry is older than another.

    Calls are numbered by each node for itself; between nodes only the time tells.

    Source: Pacemaker lib/pengine/unpack.c, pe__is_newer_op.
    """
    if one.call < 0 and other.call < 0:
        return 0
    if one.call >= 0 and other.call >= 0:
        if one.on_node == other.on_node and one.call != other.call:
            return one.call - other.call
        is_timed = bool(one.at and other.at)
        return (one.at > other.at) - (one.at < other.at) if is_timed else 0
    # One of them has not ended: that is the newer one, unless a later transition overtook it.
    (mine, number), (theirs, other_number) = one.transition, other.transition
    if mine != theirs or number == other_number:
        return -1 if other.call < 0 else 1
    if number == -1 or other_number == -1:
        return -1 if other_number == -1 else 1
    return number - other_number


def _entry(op: Element) -> Entry:
    key = op.get("transition-key") or op.get("transition-magic", "").partition(";")[2]
    parts = key.split(":")
    expected, transition = -1, ("", -1)
    if len(parts) == 4 and parts[2].lstrip("-").isdigit():
        expected, transition = int(parts[2]), (parts[3], integer(parts[1], -1))
    source, target = op.get("migrate_source"), op.get("migrate_target")
    return Entry(
        id=op.get("id", ""),
        call=integer(op.get("call-id"), -1),
        operation=op.get("operation", ""),
        interval_ms=integer(op.get("interval")),
        rc=integer(op.get("rc-code")),
        status=integer(op.get("op-status")),
        expected_rc=expected,
        at=float(integer(op.get("last-rc-change"))),
        reason=op.get("exit-reason", ""),
        digests=_digests(op),
        transition=transition,
        on_node=op.get("on_node", "").lower(),
        source=None if source is None else NodeName(source),
        target=None if target is None else NodeName(target),
    )


def _digests(op: Element) -> Digests:
    version = tuple(integer(part) for part in op.get("crm_feature_set", "0").split("."))
    names = op.get("op-force-restart")
    return Digests(
        all=op.get("op-digest", ""),
        restart=op.get("op-restart-digest", ""),
        restart_names=None if names is None else frozenset(names.split()),
        secure=op.get("op-secure-digest", ""),
        secret_names=frozenset(op.get("op-secure-params", "").split()),
        covers_operation=version >= (3, 16, 0),
    )
