"""Messages to XML elements. Must not send, count or remember anything.

Attribute names are Pacemaker's (include/crm/common/xml_names_internal.h). Attributes with empty values that a
stock reader treats as absent are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.wire import message as m
from agent.wire import names
from agent.wire.element import Element, clean_text, is_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_ORIGIN = "reconciler"
"""Stock daemons put the name of a C function there, and only log it."""


def request_element(request: m.Request, message_id: int) -> Element:
    """Return the element of a request.

    Args:
        request: What to ask.
        message_id: At least 1; the reply carries it back.
    """
    envelope = {"lrmd_remote_msg_id": str(message_id), "lrmd_remote_msg_type": "request"}
    if isinstance(request, (m.ProxyResponse, m.ProxyEvent, m.ProxyDestroy, m.ShutdownAck, m.ShutdownNack)):
        return _proxy(request, {"t": "lrmd", "lrmd_op": names.OP_PROXY, **envelope})
    if isinstance(request, m.UnknownRequest):
        root = request.element
        return Element(root.tag, {**root.attributes, "lrmd_op": request.operation, **envelope}, root.children)
    operation, attributes, body = _request_parts(request)
    attributes = {"t": "lrmd", "lrmd_op": operation, "lrmd_timeout": "0", "lrmd_callopt": "0", **attributes}
    children = (Element("lrmd_calldata", {}, (body,)),) if body is not None else ()
    return Element("lrmd_command", {**attributes, **envelope}, children)


def reply_element(reply: m.AnyReply, message_id: int) -> Element:
    """Return the element of a reply to the request of that id."""
    attributes = {"lrmd_origin": _ORIGIN, "lrmd_rc": str(reply.rc), "lrmd_callid": str(reply.call_id)}
    children: tuple[Element, ...] = ()
    if isinstance(reply, m.RegisterReply):
        attributes.update(_register_reply(reply))
    elif isinstance(reply, m.ResourceInfoReply):
        attributes.update(_resource(reply.resource_id, reply.standard, reply.provider, reply.type_name))
    elif isinstance(reply, m.RecurringReply):
        children = _recurring(reply.operations)
    elif isinstance(reply, m.RecordsReply):
        children = tuple(_record(record) for record in reply.records)
    attributes.update({"lrmd_remote_msg_id": str(message_id), "lrmd_remote_msg_type": "reply"})
    return Element("lrmd_reply", attributes, children)


def notice_element(notice: m.Notice) -> Element:
    """Return the element of a notice."""
    envelope = {"lrmd_remote_msg_id": "0", "lrmd_remote_msg_type": "notify"}
    if isinstance(notice, (m.ProxyNew, m.ProxyRequest, m.ProxyDestroy, m.ShutdownRequest)):
        return _proxy(notice, envelope)
    if isinstance(notice, m.UnknownNotice):
        root = notice.element
        return Element(root.tag, {**root.attributes, "lrmd_op": notice.operation, **envelope}, root.children)
    if isinstance(notice, m.OperationResult):
        return Element("lrmd_notify", {**_result(notice), **envelope}, (_params(notice.params),))
    attributes = {"lrmd_origin": _ORIGIN}
    if isinstance(notice, m.NewClient):
        attributes["lrmd_op"] = names.OP_NEW_CLIENT
    elif isinstance(notice, m.PokeNotice):
        attributes.update({"lrmd_rc": "0", "lrmd_callid": "0", "lrmd_op": names.OP_POKE})
    else:
        attributes.update({"lrmd_rc": str(notice.rc), "lrmd_callid": str(notice.call_id)})
        attributes.update({"lrmd_op": notice.operation, "lrmd_rsc_id": notice.resource_id})
    return Element("lrmd_notify", {**attributes, **envelope})


def _request_parts(request: m.Request) -> tuple[str, dict[str, str], Element | None]:
    """Return the operation, what its envelope adds, and the element that its call data hold, if any."""
    if isinstance(request, m.Register):
        return names.OP_REGISTER, _register(request), None
    if isinstance(request, m.GetRecords):
        return names.OP_RECORDS, {}, None
    if isinstance(request, m.GetRecurring) and not request.resource_id:
        return names.OP_GET_RECURRING, {}, None
    if isinstance(request, m.Exec):
        envelope = {"lrmd_timeout": str(request.timeout_ms), "lrmd_callopt": str(request.call_options)}
        return names.OP_EXEC, envelope, _exec(request)
    if isinstance(request, m.ResourceRegister):
        envelope = {"lrmd_callopt": str(request.call_options)}
        body = _resource(request.resource_id, request.standard, request.provider, request.type_name)
        return names.OP_RESOURCE_REGISTER, envelope, _resource_element(body)
    if isinstance(request, m.Cancel):
        return names.OP_CANCEL, {}, _resource_element(_cancel(request))
    if isinstance(request, m.Poke):
        return names.OP_POKE, {}, _resource_element({})
    assert isinstance(request, (m.ResourceInfo, m.ResourceUnregister, m.GetRecurring))
    return _BY_ID_ONLY[type(request)], {}, _resource_element({"lrmd_rsc_id": request.resource_id})


_BY_ID_ONLY: dict[type, str] = {
    m.ResourceInfo: names.OP_RESOURCE_INFO,
    m.ResourceUnregister: names.OP_RESOURCE_UNREGISTER,
    m.GetRecurring: names.OP_GET_RECURRING,
}


def _register(request: m.Register) -> dict[str, str]:
    attributes = {
        "lrmd_clientname": request.client_name,
        "lrmd_protocol_version": request.protocol_version,
    }
    if request.is_ipc_provider:
        attributes["lrmd_is_ipc_provider"] = "true"
    if request.epoch is not None:
        attributes["reconciler_cluster"] = request.cluster
        attributes["reconciler_epoch"] = str(request.epoch)
    return attributes


def _register_reply(reply: m.RegisterReply) -> dict[str, str]:
    attributes = _present(
        lrmd_op=names.OP_REGISTER,
        lrmd_clientid=reply.client_id,
        lrmd_protocol_version=reply.protocol_version,
        uptime=_optional(reply.uptime_s),
        node_start_state=reply.node_start_state,
    )
    if reply.is_ours:
        attributes.update(
            _present(
                reconciler_agent=reply.agent,
                reconciler_instance=reply.instance,
                reconciler_boot=reply.boot,
                reconciler_node=reply.node,
                reconciler_epoch=_optional(reply.epoch),
                reconciler_records="1" if reply.has_records else "",
            )
        )
    return attributes


def _resource(resource_id: str, standard: str, provider: str, type_name: str) -> dict[str, str]:
    return _present(lrmd_rsc_id=resource_id, lrmd_class=standard, lrmd_provider=provider, lrmd_type=type_name)


def _resource_element(attributes: Mapping[str, str], *children: Element) -> Element:
    return Element("lrmd_rsc", {"lrmd_origin": _ORIGIN, **attributes}, children)


def _cancel(request: m.Cancel) -> dict[str, str]:
    return {
        "lrmd_rsc_id": request.resource_id,
        "lrmd_rsc_action": request.action,
        "lrmd_rsc_interval": str(request.interval_ms),
    }


def _exec(request: m.Exec) -> Element:
    attributes = {
        "lrmd_rsc_id": request.resource_id,
        "lrmd_rsc_action": request.action,
        "lrmd_rsc_userdata_str": request.userdata,
        "lrmd_rsc_interval": str(request.interval_ms),
        "lrmd_timeout": str(request.timeout_ms),
        "lrmd_rsc_start_delay": str(request.start_delay_ms),
        **_present(reconciler_uid=request.uid, reconciler_commit=request.commit),
    }
    return _resource_element(attributes, _params(request.params))


def _params(params: Mapping[str, str]) -> Element:
    """Names that cannot be attributes travel as children (Pacemaker lib/common/nvpair.c, hash2smartfield)."""
    attributes = {name: value for name, value in params.items() if is_name(name)}
    children = tuple(
        Element("param", {"name": name, "value": value})
        for name, value in params.items()
        if name not in attributes
    )
    return Element("attributes", attributes, children)


def _recurring(operations: tuple[m.RecurringOperation, ...]) -> tuple[Element, ...]:
    by_resource: dict[str, list[Element]] = {}
    for operation in operations:
        attributes = _recurring_attributes(operation)
        by_resource.setdefault(operation.resource_id, []).append(Element("lrmd_rsc_op", attributes))
    return tuple(
        Element("lrmd_rsc", {"lrmd_rsc_id": resource_id}, tuple(children))
        for resource_id, children in by_resource.items()
    )


def _recurring_attributes(operation: m.RecurringOperation) -> dict[str, str]:
    return {
        "lrmd_rsc_action": operation.action,
        "lrmd_rsc_interval": str(operation.interval_ms),
        "lrmd_timeout": str(operation.timeout_ms),
    }


def _record(record: m.StartRecord) -> Element:
    attributes = {
        **_resource(record.resource_id, record.standard, record.provider, record.type_name),
        **_present(
            reconciler_cluster=record.cluster,
            reconciler_uid=record.uid,
            reconciler_commit=record.commit,
            agent_hash=record.agent_hash,
            phase=record.phase.value,
            since=str(record.since_s),
            exec_rc=_optional(record.exec_rc),
            op_status=_optional(record.op_status),
            exit_reason=clean_text(record.exit_reason, names.MAX_RESULT_TEXT),
            operation=record.operation,
        ),
    }
    children = [_params(record.params)]
    children += [Element("reconciler_recurring", _recurring_attributes(item)) for item in record.recurring]
    if record.in_flight is not None:
        children.append(_in_flight(record.in_flight))
    return Element("reconciler_record", attributes, tuple(children))


def _in_flight(operation: m.InFlight) -> Element:
    attributes = _present(
        lrmd_rsc_action=operation.action,
        lrmd_callid=str(operation.call_id),
        reconciler_uid=operation.uid,
        pid=str(operation.pid),
        lrmd_timeout=str(operation.timeout_ms),
        lrmd_rsc_interval=str(operation.interval_ms),
    )
    return Element("reconciler_inflight", attributes)


def _result(notice: m.OperationResult) -> dict[str, str]:
    return {
        "lrmd_origin": _ORIGIN,
        "lrmd_timeout": str(notice.timeout_ms),
        "lrmd_rsc_interval": str(notice.interval_ms),
        "lrmd_rsc_start_delay": str(notice.start_delay_ms),
        "lrmd_exec_rc": str(notice.exec_rc),
        "lrmd_exec_op_status": str(notice.op_status),
        "lrmd_callid": str(notice.call_id),
        "lrmd_rsc_deleted": str(int(notice.is_resource_deleted)),
        "lrmd_run_time": str(notice.ran_at_s),
        "lrmd_rcchange_time": str(notice.changed_at_s),
        "lrmd_exec_time": str(notice.exec_time_ms),
        "lrmd_queue_time": str(notice.queue_time_ms),
        "lrmd_op": names.OP_EXEC,
        "lrmd_rsc_id": notice.resource_id,
        "lrmd_rsc_action": notice.action,
        "lrmd_rsc_userdata_str": notice.userdata,
        **_present(
            lrmd_rsc_exit_reason=clean_text(notice.exit_reason, names.MAX_RESULT_TEXT),
            lrmd_rsc_output=clean_text(notice.output, names.MAX_RESULT_TEXT),
            reconciler_uid=notice.uid,
        ),
    }


def _proxy(proxy: m.ProxyToAgent | m.ProxyFromAgent, envelope: Mapping[str, str]) -> Element:
    attributes = {"lrmd_ipc_op": _PROXY_OPERATIONS[type(proxy)]}
    children: tuple[Element, ...] = ()
    if isinstance(proxy, m.ShutdownRequest):
        attributes["lrmd_ipc_session"] = "0"
    elif not isinstance(proxy, (m.ShutdownAck, m.ShutdownNack)):
        attributes["lrmd_ipc_session"] = proxy.session
    if isinstance(proxy, m.ProxyNew):
        attributes["lrmd_ipc_server"] = proxy.server
    if isinstance(proxy, m.ProxyRequest):
        attributes["lrmd_ipc_client"] = proxy.client
        attributes["lrmd_ipc_user"] = proxy.user
        attributes["lrmd_ipc_msg_flags"] = str(proxy.flags)
    if isinstance(proxy, (m.ProxyRequest, m.ProxyResponse)):
        attributes["lrmd_ipc_msg_id"] = str(proxy.message_id)
    if isinstance(proxy, (m.ProxyRequest, m.ProxyResponse, m.ProxyEvent)):
        children = (Element("lrmd_ipc_msg", {}, (proxy.body,)),)
    return Element("lrmd_ipc_proxy", {**attributes, **envelope}, children)


_PROXY_OPERATIONS: dict[type, str] = {
    m.ProxyNew: names.PROXY_NEW,
    m.ProxyRequest: names.PROXY_REQUEST,
    m.ProxyResponse: names.PROXY_RESPONSE,
    m.ProxyEvent: names.PROXY_EVENT,
    m.ProxyDestroy: names.PROXY_DESTROY,
    m.ShutdownRequest: names.PROXY_SHUTDOWN_REQUEST,
    m.ShutdownAck: names.PROXY_SHUTDOWN_ACK,
    m.ShutdownNack: names.PROXY_SHUTDOWN_NACK,
}


def _present(**attributes: str) -> dict[str, str]:
    """Keep the attributes that have a value."""
    return {name: value for name, value in attributes.items() if value}


def _optional(number: int | None) -> str:
    return "" if number is None else str(number)
