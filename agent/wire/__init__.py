"""The remote executor protocol of Pacemaker, sans I/O, for both ends. Must not know a socket, a clock or TLS.

A server, given the bytes that a client sent::

    wire = Connection(Role.SERVER)
    wire.receive_bytes(chunk)                       # raises nothing that the peer causes
    while (event := wire.next_event()) is not None:  # raises RemoteProtocolError: close the socket
        message_id, request = event.message_id, event.request
        if isinstance(request, Register):
            chunks = wire.send_reply(message_id, RegisterReply(0, call_id, client_id=uuid, agent="1.0"))
        elif isinstance(request, Poke):
            chunks = wire.send_reply(message_id, Reply(0, call_id)) + wire.send_notice(PokeNotice())
        elif isinstance(request, Exec):
            chunks = wire.send_reply(message_id, Reply(call_id, call_id))  # and, when it has ended:
            chunks = wire.send_notice(OperationResult(request.resource_id, request.action, call_id, 0, 0))
        elif isinstance(request, UnknownRequest) and request.operation == OP_CHECK:
            wire.drop_request(message_id)              # the one request that gets no reply
        else:
            chunks = wire.send_reply(message_id, Reply(RC_UNSUPPORTED, call_id))

A client asks, and gets `ReplyReceived` and `NoticeReceived` events in any order::

    wire = Connection(Role.CLIENT)
    message_id, chunks = wire.send_request(Register("shop"))
    message_id, chunks = wire.send_request(Exec("web", "start", timeout_ms=20000, params={"port": "80"}))

Send every chunk of a list as a TLS record of its own, in order: stock daemons stall otherwise (see frame.py).
`wire.is_mid_message` tells when a deadline for a slow peer should run. Time and names are the caller's.
"""

from agent.wire.connection import (
    Connection,
    Event,
    NoticeReceived,
    ReplyReceived,
    RequestReceived,
    Role,
    State,
)
from agent.wire.element import Element, Limits, clean_text
from agent.wire.errors import (
    CompressionError,
    HeaderError,
    LocalProtocolError,
    MarkupError,
    MessageError,
    RemoteProtocolError,
    TooBigError,
    WireError,
)
from agent.wire.frame import DEFAULT_MAX_MESSAGE, STOCK_MAX_MESSAGE
from agent.wire.message import (
    AnyReply,
    Cancel,
    Exec,
    GetRecords,
    GetRecurring,
    InFlight,
    NewClient,
    Notice,
    OperationResult,
    Phase,
    Poke,
    PokeNotice,
    ProxyDestroy,
    ProxyEvent,
    ProxyFromAgent,
    ProxyNew,
    ProxyRequest,
    ProxyResponse,
    ProxyToAgent,
    RecordsReply,
    RecurringOperation,
    RecurringReply,
    Register,
    RegisterReply,
    Reply,
    Request,
    ResourceInfo,
    ResourceInfoReply,
    ResourceNotice,
    ResourceRegister,
    ResourceUnregister,
    ShutdownAck,
    ShutdownNack,
    ShutdownRequest,
    StartRecord,
    UnknownNotice,
    UnknownRequest,
)
from agent.wire.names import (
    CALL_NOTIFY_CHANGES_ONLY,
    CALL_NOTIFY_ORIGINATOR_ONLY,
    MAX_RESULT_TEXT,
    OP_ALERT_EXEC,
    OP_CHECK,
    OP_RESOURCE_REGISTER,
    OP_RESOURCE_UNREGISTER,
    PROTOCOL_VERSION,
    PROXY_FLAG_RESPONSE_EXPECTED,
    RC_IN_PROGRESS,
    RC_INVALID,
    RC_NO_SUCH_RESOURCE,
    RC_OK,
    RC_PROTOCOL,
    RC_STALE_EPOCH,
    RC_UNSUPPORTED,
    ExecStatus,
    OcfExit,
)

__all__ = [
    "CALL_NOTIFY_CHANGES_ONLY",
    "CALL_NOTIFY_ORIGINATOR_ONLY",
    "DEFAULT_MAX_MESSAGE",
    "MAX_RESULT_TEXT",
    "OP_ALERT_EXEC",
    "OP_CHECK",
    "OP_RESOURCE_REGISTER",
    "OP_RESOURCE_UNREGISTER",
    "PROTOCOL_VERSION",
    "PROXY_FLAG_RESPONSE_EXPECTED",
    "RC_INVALID",
    "RC_IN_PROGRESS",
    "RC_NO_SUCH_RESOURCE",
    "RC_OK",
    "RC_PROTOCOL",
    "RC_STALE_EPOCH",
    "RC_UNSUPPORTED",
    "STOCK_MAX_MESSAGE",
    "AnyReply",
    "Cancel",
    "CompressionError",
    "Connection",
    "Element",
    "Event",
    "Exec",
    "ExecStatus",
    "GetRecords",
    "GetRecurring",
    "HeaderError",
    "InFlight",
    "Limits",
    "LocalProtocolError",
    "MarkupError",
    "MessageError",
    "NewClient",
    "Notice",
    "NoticeReceived",
    "OcfExit",
    "OperationResult",
    "Phase",
    "Poke",
    "PokeNotice",
    "ProxyDestroy",
    "ProxyEvent",
    "ProxyFromAgent",
    "ProxyNew",
    "ProxyRequest",
    "ProxyResponse",
    "ProxyToAgent",
    "RecordsReply",
    "RecurringOperation",
    "RecurringReply",
    "Register",
    "RegisterReply",
    "RemoteProtocolError",
    "Reply",
    "ReplyReceived",
    "Request",
    "RequestReceived",
    "ResourceInfo",
    "ResourceInfoReply",
    "ResourceNotice",
    "ResourceRegister",
    "ResourceUnregister",
    "Role",
    "ShutdownAck",
    "ShutdownNack",
    "ShutdownRequest",
    "StartRecord",
    "State",
    "TooBigError",
    "UnknownNotice",
    "UnknownRequest",
    "WireError",
    "clean_text",
]
