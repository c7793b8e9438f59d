"""XML elements to messages. Must not believe anything: each number and each required value is checked.

Attribute names are Pacemaker's (include/crm/common/xml_names_internal.h). Unknown attributes are ignored, as
newer daemons send more; a result without its exit code or status is an error, never a zero.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent.wire import message as m
from agent.wire import names
from agent.wire.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.wire.element import Element

_INTEGER = re.compile("-?[0-9]{1,18}")
_TRUE = frozenset({"true", "on", "yes", "y", "1"})  # Pacemaker lib/common/strings.c, crm_str_to_boolean


def message_id(root: Element) -> int:
    """Return the id that joins a request and its reply; 0 for a notice."""
    return _number(root, "lrmd_remote_msg_id")


def message_type(root: Element) -> str:
    """Return "request", "reply", "notify", or whatever else the peer wrote."""
    return root.attributes.get("lrmd_remote_msg_type", "")


def request_of(root: Element) -> m.Request:
    """Return the request that an element holds.

    Raises:
        MessageError: It lacks something or has an impossible value.
    """
    operation = _required(root, "lrmd_op")
    if operation == names.OP_PROXY:
        return _proxy_to_agent(root)
    if operation == names.OP_REGISTER:
        return _register(root)
    if operation == names.OP_POKE:
        return m.Poke()
    if operation == names.OP_RECORDS:
        return m.GetRecords()
    data = root.first("lrmd_calldata")
    body = data.first("lrmd_rsc") if data is not None else None
    if operation == names.OP_GET_RECURRING:
        return m.GetRecurring(body.attributes.get("lrmd_rsc_id", "") if body is not None else "")
    if operation not in _RESOURCE_REQUESTS:
        return m.UnknownRequest(operation, root)
    if body is None:
        raise MessageError(f"{operation} names no resource")
    return _RESOURCE_REQUESTS[operation](root, body)


def reply_of(root: Element, request: m.Request) -> m.AnyReply:
    """Return the reply that an element holds, as the kind that answers `request`.

    Raises:
        MessageError: It lacks something or has an impossible value.
    """
    rc, call_id = _required_number(root, "lrmd_rc"), _number(root, "lrmd_callid")
    if isinstance(request, m.Register):
        return _register_reply(root, rc, call_id)
    if isinstance(request, m.ResourceInfo):
        return m.ResourceInfoReply(rc, call_id, *_resource(root))
    if isinstance(request, m.GetRecurring):
        found = (
            _recurring(operation, resource.attributes.get("lrmd_rsc_id", ""))
            for resource in root.all("lrmd_rsc")
            for operation in resource.all("lrmd_rsc_op")
        )
        return m.RecurringReply(rc, call_id, tuple(found))
    if isinstance(request, m.GetRecords):
        records = tuple(_record(child) for child in root.all("reconciler_record"))
        return m.RecordsReply(rc, call_id, records)
    return m.Reply(rc, call_id)


def notice_of(root: Element) -> m.Notice:
    """Return the notice that an element holds.

    Raises:
        MessageError: It lacks something or has an impossible value.
    """
    if root.tag == "lrmd_ipc_proxy":
        return _proxy_from_agent(root)
    operation = root.attributes.get("lrmd_op", "")
    if operation == names.OP_EXEC:
        return _result(root)
    if operation == names.OP_POKE:
        return m.PokeNotice()
    if operation == names.OP_NEW_CLIENT:
        return m.NewClient()
    if operation in (names.OP_RESOURCE_REGISTER, names.OP_RESOURCE_UNREGISTER):
        resource_id = root.attributes.get("lrmd_rsc_id", "")
        return m.ResourceNotice(
            operation, resource_id, _number(root, "lrmd_rc"), _number(root, "lrmd_callid")
        )
    return m.UnknownNotice(operation, root)


def _register(root: Element) -> m.Register:
    return m.Register(
        client_name=root.attributes.get("lrmd_clientname", ""),
        protocol_version=root.attributes.get("lrmd_protocol_version", ""),
        is_ipc_provider=root.attributes.get("lrmd_is_ipc_provider", "").lower() in _TRUE,
        cluster=root.attributes.get("reconciler_cluster", ""),
        epoch=_optional_number(root, "reconciler_epoch"),
    )


def _register_reply(root: Element, rc: int, call_id: int) -> m.RegisterReply:
    get = root.attributes.get
    return m.RegisterReply(
        rc=rc,
        call_id=call_id,
        client_id=get("lrmd_clientid", ""),
        protocol_version=get("lrmd_protocol_version", ""),
        uptime_s=_optional_number(root, "uptime"),
        node_start_state=get("node_start_state", ""),
        agent=get("reconciler_agent", ""),
        instance=get("reconciler_instance", ""),
        boot=get("reconciler_boot", ""),
        node=get("reconciler_node", ""),
        epoch=_optional_number(root, "reconciler_epoch"),
        has_records=get("reconciler_records", "") == "1",
    )


def _resource(element: Element) -> tuple[str, str, str, str]:
    get = element.attributes.get
    return get("lrmd_rsc_id", ""), get("lrmd_class", ""), get("lrmd_provider", ""), get("lrmd_type", "")


def _resource_register(root: Element, body: Element) -> m.ResourceRegister:
    _required(body, "lrmd_rsc_id")
    return m.ResourceRegister(*_resource(body), call_options=_number(root, "lrmd_callopt"))


def _exec(root: Element, body: Element) -> m.Exec:
    return m.Exec(
        resource_id=_required(body, "lrmd_rsc_id"),
        action=_required(body, "lrmd_rsc_action"),
        timeout_ms=_number(body, "lrmd_timeout"),
        interval_ms=_number(body, "lrmd_rsc_interval"),
        start_delay_ms=_number(body, "lrmd_rsc_start_delay"),
        userdata=body.attributes.get("lrmd_rsc_userdata_str", ""),
        params=_params(body),
        call_options=_number(root, "lrmd_callopt"),
        uid=body.attributes.get("reconciler_uid", ""),
        commit=body.attributes.get("reconciler_commit", ""),
    )


def _cancel(_root: Element, body: Element) -> m.Cancel:
    return m.Cancel(
        _required(body, "lrmd_rsc_id"),
        _required(body, "lrmd_rsc_action"),
        _number(body, "lrmd_rsc_interval"),
    )


_RESOURCE_REQUESTS: dict[str, Callable[[Element, Element], m.Request]] = {
    names.OP_RESOURCE_INFO: lambda _root, body: m.ResourceInfo(_required(body, "lrmd_rsc_id")),
    names.OP_RESOURCE_REGISTER: _resource_register,
    names.OP_RESOURCE_UNREGISTER: lambda _root, body: m.ResourceUnregister(_required(body, "lrmd_rsc_id")),
    names.OP_EXEC: _exec,
    names.OP_CANCEL: _cancel,
}


def _params(parent: Element) -> dict[str, str]:
    """Read parameters as Pacemaker does (lib/common/nvpair.c, xml2list): a child wins over an attribute."""
    element = parent.first("attributes")
    if element is None:
        return {}
    params = dict(element.attributes)
    for child in element.all("param"):
        name, value = child.attributes.get("name"), child.attributes.get("value")
        if name and value is not None:
            params[name] = value
    return params


def _recurring(element: Element, resource_id: str) -> m.RecurringOperation:
    return m.RecurringOperation(
        resource_id=resource_id,
        action=_required(element, "lrmd_rsc_action"),
        interval_ms=_required_number(element, "lrmd_rsc_interval"),
        timeout_ms=_number(element, "lrmd_timeout"),
    )


def _record(element: Element) -> m.StartRecord:
    get = element.attributes.get
    _required(element, "lrmd_rsc_id")
    resource_id, standard, provider, type_name = _resource(element)
    in_flight = element.first("reconciler_inflight")
    return m.StartRecord(
        resource_id=resource_id,
        standard=standard,
        provider=provider,
        type_name=type_name,
        cluster=get("reconciler_cluster", ""),
        uid=get("reconciler_uid", ""),
        commit=get("reconciler_commit", ""),
        agent_hash=get("agent_hash", ""),
        phase=_phase(_required(element, "phase")),
        since_s=_required_number(element, "since"),
        exec_rc=_optional_number(element, "exec_rc"),
        op_status=_optional_number(element, "op_status"),
        exit_reason=get("exit_reason", ""),
        operation=get("operation", ""),
        params=_params(element),
        recurring=tuple(_recurring(child, resource_id) for child in element.all("reconciler_recurring")),
        in_flight=_in_flight(in_flight) if in_flight is not None else None,
    )


def _phase(text: str) -> m.Phase:
    try:
        return m.Phase(text)
    except ValueError as error:
        raise MessageError(f"unknown phase of a start record: {text[:40]!r}") from error


def _in_flight(element: Element) -> m.InFlight:
    return m.InFlight(
        action=_required(element, "lrmd_rsc_action"),
        call_id=_number(element, "lrmd_callid"),
        uid=element.attributes.get("reconciler_uid", ""),
        pid=_number(element, "pid"),
        timeout_ms=_number(element, "lrmd_timeout"),
        interval_ms=_number(element, "lrmd_rsc_interval"),
    )


def _result(root: Element) -> m.OperationResult:
    get = root.attributes.get
    return m.OperationResult(
        resource_id=_required(root, "lrmd_rsc_id"),
        action=_required(root, "lrmd_rsc_action"),
        call_id=_required_number(root, "lrmd_callid"),
        exec_rc=_required_number(root, "lrmd_exec_rc"),
        op_status=_required_number(root, "lrmd_exec_op_status"),
        interval_ms=_number(root, "lrmd_rsc_interval"),
        timeout_ms=_number(root, "lrmd_timeout"),
        start_delay_ms=_number(root, "lrmd_rsc_start_delay"),
        is_resource_deleted=_number(root, "lrmd_rsc_deleted") != 0,
        ran_at_s=_number(root, "lrmd_run_time"),
        changed_at_s=_number(root, "lrmd_rcchange_time"),
        exec_time_ms=_number(root, "lrmd_exec_time"),
        queue_time_ms=_number(root, "lrmd_queue_time"),
        userdata=get("lrmd_rsc_userdata_str", ""),
        exit_reason=get("lrmd_rsc_exit_reason", ""),
        output=get("lrmd_rsc_output", ""),
        params=_params(root),
        uid=get("reconciler_uid", ""),
    )


def _proxy_to_agent(root: Element) -> m.Request:
    operation = _required(root, "lrmd_ipc_op")
    if operation == names.PROXY_SHUTDOWN_ACK:
        return m.ShutdownAck()
    if operation == names.PROXY_SHUTDOWN_NACK:
        return m.ShutdownNack()
    session = root.attributes.get("lrmd_ipc_session", "")
    if operation == names.PROXY_DESTROY:
        return m.ProxyDestroy(session)
    if operation == names.PROXY_RESPONSE:
        return m.ProxyResponse(session, _number(root, "lrmd_ipc_msg_id"), _proxy_body(root))
    if operation == names.PROXY_EVENT:
        return m.ProxyEvent(session, _proxy_body(root))
    return m.UnknownRequest(names.OP_PROXY, root)


def _proxy_from_agent(root: Element) -> m.Notice:
    operation = _required(root, "lrmd_ipc_op")
    session = root.attributes.get("lrmd_ipc_session", "")
    if operation == names.PROXY_SHUTDOWN_REQUEST:
        return m.ShutdownRequest()
    if operation == names.PROXY_DESTROY:
        return m.ProxyDestroy(session)
    if operation == names.PROXY_NEW:
        return m.ProxyNew(session, root.attributes.get("lrmd_ipc_server", ""))
    if operation == names.PROXY_REQUEST:
        return m.ProxyRequest(
            session=session,
            client=root.attributes.get("lrmd_ipc_client", ""),
            user=root.attributes.get("lrmd_ipc_user", ""),
            message_id=_number(root, "lrmd_ipc_msg_id"),
            flags=_number(root, "lrmd_ipc_msg_flags"),
            body=_proxy_body(root),
        )
    return m.UnknownNotice(operation, root)


def _proxy_body(root: Element) -> Element:
    wrapper = root.first("lrmd_ipc_msg")
    if wrapper is None or len(wrapper.children) != 1:
        raise MessageError("a proxied message without exactly one element in it")
    return wrapper.children[0]


def _required(element: Element, name: str) -> str:
    value = element.attributes.get(name)
    if not value:
        raise MessageError(f"{element.tag} without {name}")
    return value


def _required_number(element: Element, name: str) -> int:
    return _integer(name, _required(element, name))


def _number(element: Element, name: str) -> int:
    """Return a number that an older or newer daemon may leave out, 0 then."""
    value = element.attributes.get(name)
    return _integer(name, value) if value else 0


def _optional_number(element: Element, name: str) -> int | None:
    value = element.attributes.get(name)
    return _integer(name, value) if value else None


def _integer(name: str, text: str) -> int:
    if _INTEGER.fullmatch(text) is None:
        raise MessageError(f"{name} is not a number: {text[:40]!r}")
    return int(text)
