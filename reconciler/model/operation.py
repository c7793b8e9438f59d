"""Operations as they are asked of an agent, their results, and the record of what was started."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.resource import ResourceAgent

OCF_OK = 0
OCF_ERR_GENERIC = 1
OCF_ERR_ARGS = 2
OCF_ERR_UNIMPLEMENTED = 3
OCF_ERR_PERM = 4
OCF_ERR_INSTALLED = 5
OCF_ERR_CONFIGURED = 6
OCF_NOT_RUNNING = 7
OCF_RUNNING_PROMOTED = 8
OCF_FAILED_PROMOTED = 9
OCF_DEGRADED = 190
OCF_DEGRADED_PROMOTED = 191

HARD_ERRORS = frozenset({OCF_ERR_ARGS, OCF_ERR_PERM, OCF_ERR_INSTALLED, OCF_ERR_CONFIGURED})
"""Codes that trying again on the same node cannot cure (Pacemaker Administration, "OCF return codes")."""

STATUS_PENDING = -1
STATUS_DONE = 0
STATUS_CANCELLED = 1
STATUS_TIMEOUT = 2
STATUS_ERROR = 4
STATUS_NOT_INSTALLED = 7
STATUS_NOT_CONNECTED = 8
STATUS_NO_FENCE_DEVICE = 10
STATUS_NO_SECRETS = 11
"""Pacemaker's execution statuses (include/crm/common/results.h, pcmk_exec_status)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRequest:
    """One operation to carry out on the node that a link leads to."""

    resource: ResourceId
    agent: ResourceAgent
    operation: str
    interval_ms: int = 0
    timeout_ms: int = 20_000
    params: Mapping[str, str] = field(default_factory=dict)
    """What the resource is, or was, started with."""
    own_params: Mapping[str, str] = field(default_factory=dict)
    """Over those, for this operation alone; no record keeps them."""
    meta: Mapping[str, str] = field(default_factory=dict)
    """What the cluster tells the resource agent beside its parameters (CRM_meta_NAME), and no record keeps."""
    uid: str = ""
    """Of the action; our agent runs each uid once. Recurring operations have none."""
    commit: str = ""
    peer: NodeName | None = None
    """Of migrate_to and migrate_from: the other node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationResult:
    """What an agent, or a hypervisor, answered."""

    resource: ResourceId
    operation: str
    interval_ms: int = 0
    rc: int = OCF_OK
    status: int = STATUS_DONE
    reason: str = ""
    """The resource agent's exit reason."""
    output: str = ""
    uid: str = ""
    ran_at: float = 0.0
    """Epoch seconds by the node's clock; for people only, never compared."""
    took_ms: int = 0

    @property
    def is_ok(self) -> bool:
        """Tell whether the operation ran to its end and reported success; degraded counts as success."""
        return self.status == STATUS_DONE and self.rc in {OCF_OK, OCF_DEGRADED}

    @property
    def is_promoted(self) -> bool:
        """Tell whether a monitor found the resource well, and promoted; degraded counts as well."""
        return self.status == STATUS_DONE and self.rc in {OCF_RUNNING_PROMOTED, OCF_DEGRADED_PROMOTED}

    @property
    def is_not_running(self) -> bool:
        """Tell whether a monitor found the resource stopped."""
        return self.status == STATUS_DONE and self.rc == OCF_NOT_RUNNING

    def describe(self) -> str:
        """Say in a few words how the operation ended."""
        if self.status == STATUS_TIMEOUT:
            return self.reason or "timed out"
        if self.is_ok or self.is_promoted:
            degraded = self.rc in {OCF_DEGRADED, OCF_DEGRADED_PROMOTED}
            words = ["ok" if self.is_ok else "promoted", *(["degraded"] if degraded else [])]
            return ", ".join(words) + (f": {self.reason}" if degraded and self.reason else "")
        if self.is_not_running:
            return "not running"
        return f"rc {self.rc}" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """A recurring operation that an agent runs by itself."""

    name: str = "monitor"
    interval_ms: int
    timeout_ms: int
    params: str = ""
    """The digest of the parameters that it has of its own (`model/digest.py`); empty: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """An operation that an agent says is still running."""

    operation: str
    uid: str
    interval_ms: int = 0
    timeout_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRecord:
    """How a resource was started: what its probe, monitor and stop must use, whatever the YAML says."""

    resource: ResourceId
    agent: ResourceAgent
    params: Mapping[str, str] = field(default_factory=dict)
    cluster: str = ""
    uid: str = ""
    commit: str = ""
    since: float = 0.0
    """Epoch seconds by the node's clock."""
    phase: str = "started"
    """starting, started, stopping, or failed (a start or stop that did not succeed)."""
    monitors: tuple[Monitor, ...] = ()
    in_flight: InFlight | None = None
    agent_hash: str = ""
    result: OperationResult | None = None
    """The last result the agent keeps for it."""
