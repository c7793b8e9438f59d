"""Connects agents and brings what is known of their nodes up to date before they are trusted.

On every connection: operations that may still run are let end, then every recurring monitor is issued again, so that
its present result is sent; a stock agent does not repeat failures that it reported while nobody listened.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from reconciler.act.context import Context
from reconciler.act.keys import connect_with_key
from reconciler.act.metadata import TIMEOUT_MS
from reconciler.act.outcome import Connected, Outcome
from reconciler.act.resources import arm
from reconciler.model.agent_metadata import AgentMetadata
from reconciler.model.errors import HypervisorError, KeyStoreError, LinkError
from reconciler.model.history import Migration, MigrationPhase
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import (
    HOST_OF_CONTAINER,
    STOCK_MACHINE,
    AddressFinding,
    AddressOwner,
    AgentAddress,
    LinkReason,
)
from reconciler.model.observed import Instance, StartedAs
from reconciler.model.operation import OperationRequest, StartRecord
from reconciler.model.resource import Resource, ResourceAgent, Role
from reconciler.model.transition import Action, ActionKind
from reconciler.plan.results import after_result, in_role
from reconciler.ports import AgentLink, LinkTarget, Session

MAX_OPERATIONS_AT_ONCE = 16
_LOOPBACK = "127.0.0.1"
"""Of the machine whose agent is reached without an address: the controller's own."""
HOST_ANSWER_S = 5.0
"""How long a host may take to say whose an address is."""


async def run_connection_action(context: Context, action: Action, uid: str) -> Outcome:
    """Connect or leave a node's agent; returns how it ended."""
    if action.kind is not ActionKind.CONNECT:
        left = context.links.get(action.node)
        if left is not None:
            await left.close()
        return Outcome(action=action, uid=uid)
    address = _address(context, action.node)
    if address is None:
        is_declared = context.guest_of(action.node) is not None
        text = (
            "it is not known on which machine it is"
            if is_declared
            else f"{action.node} is no longer declared"
        )
        return Outcome(action=action, uid=uid, reason=LinkReason.UNREACHABLE, text=text)
    try:
        key = context.ports.keys.key_of(context.intent.cluster, action.node, address)
    except KeyStoreError as error:
        return Outcome(action=action, uid=uid, reason=LinkReason.WRONG_KEY, text=str(error))
    target = LinkTarget(
        node=action.node, agent=address, cluster=context.intent.cluster, key=key, epoch=context.epoch
    )
    link = context.ports.links.link(target, context.listener)
    try:
        session = await connect_with_key(context, action, target, link)
        finding = await _confirm_address(context, action.node, address)
        connected = await _resync(context, action.node, link, session)
    except LinkError as error:
        await link.close()
        return Outcome(action=action, uid=uid, reason=error.reason, text=str(error))
    before = context.links.get(action.node)
    if before is not None:
        await before.close()
    key_epoch = address.key_epoch if address.address is not None and address.key_file is None else None
    return Outcome(action=action, uid=uid, connected=replace(connected, key_epoch=key_epoch, address=finding))


async def _confirm_address(context: Context, node: NodeName, address: AgentAddress) -> AddressFinding | None:
    """Ask a guest's host, before the first command and once the agent has answered, whose the address is.

    The key tells guests apart as well, but where one file opens several.

    Raises:
        LinkError: it is somebody else's, or has to be confirmed and is not.
    """
    guest = context.guest_of(node)
    if guest is None or address.address is None:
        return None
    finding = await _whose(context, node, guest, address.address)
    if finding.owner is AddressOwner.STRANGER:
        raise LinkError(LinkReason.WRONG_NODE, finding.text)
    if finding.owner is AddressOwner.UNKNOWN and address.is_confirmed:
        raise LinkError(LinkReason.UNCONFIRMED, f"{finding.text}; unconfirmedAddress: allow would go on")
    return finding


async def _whose(context: Context, node: NodeName, guest: Resource, address: str) -> AddressFinding:
    place = context.guest_hosts.get(node)
    host = context.intent.hosts.get(place) if place is not None else None
    if host is None:
        return AddressFinding(owner=AddressOwner.UNKNOWN, text="it is not known which host runs it")
    try:
        async with asyncio.timeout(HOST_ANSWER_S):
            return await context.ports.hypervisor.owner_of(host, guest, address)
    except (HypervisorError, TimeoutError) as error:
        text = f"{host.name} cannot say whose {address} is: {str(error) or 'it does not answer'}"
        return AddressFinding(owner=AddressOwner.UNKNOWN, text=text)


def _address(context: Context, node: NodeName) -> AgentAddress | None:
    host = context.intent.hosts.get(node)
    if host is not None:
        return host.agent
    guest = context.guest_of(node)
    if guest is None or guest.remote_node is None:
        return None
    agent = guest.remote_node.agent
    return _at_its_machine(context, guest, agent) if agent.address == HOST_OF_CONTAINER else agent


def _at_its_machine(context: Context, guest: Resource, agent: AgentAddress) -> AgentAddress | None:
    """Return how an agent is reached at a port of the machine that its container runs on; None if that is not clear."""
    machines = context.observed.active_on(guest.id)
    host = context.intent.hosts.get(machines[0]) if len(machines) == 1 else None
    if host is None or host.agent is None:
        return None
    return replace(agent, address=host.agent.address or _LOOPBACK)


async def _resync(context: Context, node: NodeName, link: AgentLink, session: Session) -> Connected:
    """Return what runs on a node, each with the parameters that it was started with."""
    incarnation = context.guest_incarnations.get(node) or session.incarnation or STOCK_MACHINE
    journal = context.ports.journal
    written = journal.records(node, incarnation)
    records = _ours(context, session, written or {})
    is_known = session.is_record_keeping or written is not None
    instances: dict[ResourceId, Instance] = {}
    agents: dict[ResourceAgent, AgentMetadata] = {}
    inquiry = context.inquiry(node, link)
    address = _address(context, node)
    budget_ms = address.detect_ms if address is not None else TIMEOUT_MS
    limit = asyncio.Semaphore(MAX_OPERATIONS_AT_ONCE)

    async def describe(record: StartRecord) -> None:
        # A resource agent that hangs must not keep the node from being trusted for longer than its own agent may.
        uid = context.ports.clock.new_id()
        agents.update(await inquiry.describe(record.resource, record.agent, uid, budget_ms))

    async def settle(record: StartRecord) -> None:
        async with limit:
            if not _may_be_under_way(record):
                await describe(record)
            migration = context.history.migrations.get(record.resource)
            if migration is not None and _is_leaving(migration, record, node, incarnation):
                instances[record.resource] = await _settle_leaving(context, link, session, record, migration)
            else:
                instances[record.resource] = await _settle(context, node, link, session, record)
            if _may_be_under_way(record):
                await describe(record)

    try:
        async with asyncio.TaskGroup() as group:
            for record in sorted(records.values(), key=lambda r: r.resource):
                group.create_task(settle(record))
    except* LinkError as errors:
        raise _first(errors) from None
    if session.is_record_keeping and written is None:
        # Only now: a journal that knows the incarnation, and nothing in it, says that nothing runs there.
        journal.open_incarnation(node, incarnation)
        for name, instance in sorted(instances.items()):
            if instance.role is not Role.STOPPED:
                journal.save_record(node, incarnation, records[name])
    # An agent that keeps records has stopped what it has none of, though its answer may not have reached us.
    for name in sorted((written or {}).keys() - records.keys()):
        journal.drop_record(node, name)
    return Connected(
        link=link, incarnation=incarnation, is_known=is_known, instances=instances, agents=agents
    )


def _may_be_under_way(record: StartRecord) -> bool:
    """Tell whether an operation may run; agents answer nothing else about the resource before it has ended."""
    return record.in_flight is not None or record.phase not in {"started", "adopted", "failed"}


def _first(errors: BaseExceptionGroup[LinkError]) -> LinkError:
    """Return one error of a group: they all say that the link was lost."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, LinkError)
    return error


def _ours(
    context: Context, session: Session, written: Mapping[ResourceId, StartRecord]
) -> dict[ResourceId, StartRecord]:
    """Return the records of our cluster: the agent's own where it keeps them, else the journal's."""
    cluster = context.intent.cluster.name.lower()
    if not session.is_record_keeping:
        return dict(written)
    kept = {r.resource: r for r in session.records.values() if r.cluster.lower() == cluster}
    adopted = {r.resource: r for r in written.values() if r.phase == "adopted" and r.resource not in kept}
    return {**adopted, **kept}


def _is_leaving(migration: Migration, record: StartRecord, node: NodeName, incarnation: str) -> bool:
    """Tell whether all that has become of something since is that it was moved away live, or maybe was."""
    is_source = migration.source == node and migration.lives.get(node) == incarnation
    if record.in_flight is not None and not record.in_flight.interval_ms:
        return is_source and record.in_flight.operation == "migrate_to"
    return is_source and record.phase in {"started", "adopted"}


async def _settle_leaving(
    context: Context, link: AgentLink, session: Session, record: StartRecord, migration: Migration
) -> Instance:
    """Wait until something has left, or could not; it is not asked how it is, and watched no more."""
    uses = StartedAs(agent=record.agent, params=record.params)
    instance = Instance(resource=record.resource, node=migration.source, role=Role.STARTED, started_as=uses)
    flight = record.in_flight
    if flight is not None and flight.operation == "migrate_to":
        request = OperationRequest(
            resource=record.resource,
            agent=record.agent,
            operation=flight.operation,
            timeout_ms=flight.timeout_ms,
            params=record.params,
            uid=flight.uid,
            commit=record.commit,
            peer=migration.target,
        )
        instance = after_result(instance, request, await link.execute(request), migration.source)
        return instance if instance.failure is not None else replace(instance, migrating_to=migration.target)
    if migration.phase is MigrationPhase.SENDING and not session.is_record_keeping:
        await asyncio.sleep(max(migration.ends_at - context.ports.clock.now(), 0.0))
    return instance


async def _settle(
    context: Context, node: NodeName, link: AgentLink, session: Session, record: StartRecord
) -> Instance:
    """Find out how one resource is: wait for what runs, probe what is in doubt, issue its monitors again."""
    uses = StartedAs(agent=record.agent, params=record.params)
    instance = Instance(resource=record.resource, node=node, role=Role.STARTED, started_as=uses)
    flight, is_over = record.in_flight, record.phase in {"started", "adopted"}
    base = OperationRequest(
        resource=record.resource,
        agent=record.agent,
        operation="monitor",
        params=record.params,
        commit=record.commit,
    )
    if flight is not None and not flight.interval_ms:
        request = replace(
            base, operation=flight.operation, uid=flight.uid, timeout_ms=flight.timeout_ms or base.timeout_ms
        )
        instance = after_result(instance, request, await link.execute(request), node)
    elif record.phase == "failed" and record.result is not None:
        request = replace(base, operation=record.result.operation)
        instance = after_result(instance, request, record.result, node)
    elif not (is_over and session.is_record_keeping):  # a stock agent does not say that its machine restarted
        if not is_over:
            await _let_end(context, record)
        request = replace(base, uid=context.ports.clock.new_id())
        instance = after_result(instance, request, await link.execute(request), node)
    if instance.role is Role.STARTED and record.resource in context.intent.promotable():
        # A record says how it was started, not what has become of it since.
        instance = in_role(instance, await link.execute(replace(base, uid=context.ports.clock.new_id())))
    if instance.role is Role.STOPPED:
        context.ports.journal.drop_record(node, record.resource)
        return instance
    if instance.failure is not None:
        return instance
    declared = context.resource(record.resource)
    for monitor in record.monitors or session.recurring.get(record.resource, ()):
        own = declared.operation("monitor", monitor.interval_ms).params if declared is not None else {}
        request = replace(
            base,
            interval_ms=monitor.interval_ms,
            timeout_ms=monitor.timeout_ms,
            own_params=own,
        )
        result = await (arm(link, request) if own else link.execute(request))
        instance = after_result(instance, request, result, node)
    return instance


async def _let_end(context: Context, record: StartRecord) -> None:
    """Wait until an operation that a stock agent may still run is past its deadline."""
    declared = context.resource(record.resource)
    timeout_ms = declared.operation("start").timeout_ms if declared else 60_000
    remaining = record.since + timeout_ms / 1000 - context.ports.clock.now()
    if remaining > 0:
        await asyncio.sleep(min(remaining, timeout_ms / 1000))
