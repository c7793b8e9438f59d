"""Connects agents whose key has changed: has their hosts bring them the new one, and shows it."""

import asyncio
import logging

from reconciler.act.context import Context
from reconciler.model.errors import HypervisorError, LinkError
from reconciler.model.node import AgentFlavor, LinkReason
from reconciler.model.transition import Action
from reconciler.ports import AgentLink, LinkTarget, Session

log = logging.getLogger(__name__)

TAKING_UP_S = 5.0
"""How long an agent may take to find the key that was brought; one in a virtual machine looks every second."""
_RETRY_S = 0.5


async def connect_with_key(context: Context, action: Action, target: LinkTarget, link: AgentLink) -> Session:
    """Connect an agent that may not have its key yet.

    A connection with the key before is left alone, unless that key is revoked: then it is closed at once.

    Raises:
        LinkError: with the reason.
    """
    present = context.links.get(action.node)
    if present is not None and action.is_forced:
        await present.close()
    if present is None:
        try:
            return await link.connect(action.timeout_ms)
        except LinkError as error:
            if error.reason is not LinkReason.WRONG_KEY or not _can_bring(context, target):
                raise
    is_alone = action.is_forced or (present is None and target.agent.min_key_epoch > 0)
    await _bring(context, target, is_alone=is_alone)
    return await _connect_soon(link, action.timeout_ms)


def _can_bring(context: Context, target: LinkTarget) -> bool:
    """Tell whether a host can bring this agent its key; who only looks changes nothing."""
    is_ours = target.agent.flavor is AgentFlavor.RECONCILER and target.agent.key_file is None
    return is_ours and context.epoch > 0 and target.node in context.guest_hosts


async def _bring(context: Context, target: LinkTarget, *, is_alone: bool) -> None:
    guest = context.guest_of(target.node)
    if not _can_bring(context, target) or guest is None or target.key is None:
        return  # somebody else does: a host's own agent, for instance, is given its key by hand
    host = context.intent.hosts.get(context.guest_hosts[target.node])
    if host is None:
        raise LinkError(LinkReason.WRONG_KEY, "its host is no longer declared, and cannot bring its new key")
    try:
        await context.ports.hypervisor.deliver_key(host, guest, target.key, is_alone=is_alone)
    except HypervisorError as error:
        raise LinkError(LinkReason.WRONG_KEY, f"its new key cannot be brought: {error}") from error
    log.info("brought a new key", extra={"node": target.node, "epoch": target.agent.key_epoch})


async def _connect_soon(link: AgentLink, timeout_ms: int) -> Session:
    """Connect an agent that will find its new key in a moment."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + TAKING_UP_S
    while True:
        try:
            return await link.connect(timeout_ms)
        except LinkError as error:
            if error.reason is not LinkReason.WRONG_KEY or loop.time() + _RETRY_S >= deadline:
                raise
        await asyncio.sleep(_RETRY_S)
