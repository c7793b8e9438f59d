"""Digests: short names for definitions, so that a change of one can be seen."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum

from reconciler.model.names import NodeName
from reconciler.model.node import AgentFlavor, GuestType
from reconciler.model.observed import StartedAs
from reconciler.model.resource import Resource


def digest_of(value: object) -> str:
    """Return 16 hex digits that are equal for equal values, whatever the order of mappings."""
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def guest_digest(resource: Resource) -> str:
    """Return the digest of all that a guest's domain is made from.

    An agent's address and timeouts are left out: changing them reconnects, and restarts nothing. A process
    guest is started with its address, so there they count. A new key is brought to our agent while it runs; a
    stock agent gets it with the next start.
    """
    remote = resource.remote_node
    parts: list[object] = [resource.guest]
    if remote is not None:
        agent = remote.agent
        epoch = agent.key_epoch if agent.flavor is AgentFlavor.STOCK else 0
        parts += [remote.name, agent.flavor, agent.key_file, epoch]
        if resource.guest is not None and resource.guest.type is GuestType.PROCESS:
            parts += [agent.address, agent.port]
    return digest_of(parts)


def start_parameters(resource: Resource, node: NodeName) -> StartedAs:
    """Return what a resource is started with on a node by its present declaration.

    Parameters of the start alone are among them, for whoever stops it has to know all that it was started with.
    """
    if resource.guest is not None:
        return StartedAs(agent=resource.agent, params={"digest": guest_digest(resource)})
    params, own = resource.params_at(node), resource.operation("start").params
    return StartedAs(resource.agent, {**params, **own} if own else params)


def own_digest(params: Mapping[str, str]) -> str:
    """Return the digest of parameters that an operation has of its own; empty if it has none."""
    return digest_of(params) if params else ""


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value) if f.compare}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, set | frozenset):
        return sorted(json.dumps(_plain(v), sort_keys=True) for v in value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
