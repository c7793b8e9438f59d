"""Names and numbers of the remote protocol. Must hold nothing but constants.

Sources: Pacemaker include/crm/lrmd.h (operations), include/crm/common/xml_names_internal.h (elements and
attributes), include/crm/common/results.h (OCF exit codes and execution status), OCF Resource Agent API 1.1.
Everything that begins with "reconciler" is ours; stock daemons ignore it.
"""

from __future__ import annotations

from enum import IntEnum

# Operations that a client asks for.
OP_REGISTER = "register"
OP_POKE = "lrmd_rsc_poke"
OP_RESOURCE_INFO = "lrmd_rsc_info"
OP_RESOURCE_REGISTER = "lrmd_rsc_register"
OP_RESOURCE_UNREGISTER = "lrmd_rsc_unregister"
OP_EXEC = "lrmd_rsc_exec"
OP_CANCEL = "lrmd_rsc_cancel"
OP_GET_RECURRING = "lrmd_get_recurring"
OP_ALERT_EXEC = "lrmd_alert_exec"
OP_CHECK = "lrmd_check"  # never answered, not even with an error
OP_PROXY = "ipc_fwd"
OP_RECORDS = "reconciler_records"

# What only an agent says.
OP_NEW_CLIENT = "lrmd_rsc_new_client"

# What a proxied IPC message is.
PROXY_NEW = "new"
PROXY_REQUEST = "request"
PROXY_RESPONSE = "response"
PROXY_EVENT = "event"
PROXY_DESTROY = "destroy"
PROXY_SHUTDOWN_REQUEST = "shutdown_req"
PROXY_SHUTDOWN_ACK = "shutdown_ack"
PROXY_SHUTDOWN_NACK = "shutdown_nack"

PROXY_FLAG_RESPONSE_EXPECTED = 512
"""Answer a proxied request with a response only when its flags have this (include/crm/common/ipc.h)."""

# Call options (include/crm/lrmd.h, enum lrmd_call_options).
CALL_NOTIFY_ORIGINATOR_ONLY = 2
CALL_NOTIFY_CHANGES_ONLY = 4

# Reply codes are negated Linux errno values of the agent, so they are numbers here, not our own errno.
RC_OK = 0
RC_NO_SUCH_RESOURCE = -19  # ENODEV
RC_INVALID = -22  # EINVAL
RC_PROTOCOL = -71  # EPROTO
RC_UNSUPPORTED = -95  # EOPNOTSUPP
RC_IN_PROGRESS = -115  # EINPROGRESS
RC_STALE_EPOCH = -116  # ESTALE; ours

PROTOCOL_VERSION = "1.1"
"""What we announce: a provider that says 1.2 is asked for schema files (Pacemaker 2.1.8 and later)."""

MAX_RESULT_TEXT = 64 * 1024
"""Characters of an operation's output or exit reason that travel or are kept."""


class OcfExit(IntEnum):
    """What a resource agent's exit code means (OCF Resource Agent API 1.1; from 8 on Pacemaker's)."""

    OK = 0
    ERROR = 1
    INVALID_ARGUMENT = 2
    UNIMPLEMENTED = 3
    INSUFFICIENT_PRIVILEGE = 4
    NOT_INSTALLED = 5
    NOT_CONFIGURED = 6
    NOT_RUNNING = 7
    RUNNING_PROMOTED = 8
    FAILED_PROMOTED = 9
    DEGRADED = 190
    DEGRADED_PROMOTED = 191
    UNKNOWN = 193


class ExecStatus(IntEnum):
    """How an operation ended apart from its exit code (results.h, enum pcmk_exec_status)."""

    UNKNOWN = -2
    PENDING = -1
    DONE = 0
    CANCELLED = 1
    TIMEOUT = 2
    NOT_SUPPORTED = 3
    ERROR = 4
    ERROR_HARD = 5
    ERROR_FATAL = 6
    NOT_INSTALLED = 7
    NOT_CONNECTED = 8
    INVALID = 9
    NO_FENCE_DEVICE = 10
    NO_SECRETS = 11
