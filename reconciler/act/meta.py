"""What a resource agent is told of the clone that an instance belongs to, as CRM_meta_NAME. Pure.

Resource agents tell by these whether they are cloned, promotable and notified (resource-agents, ocf-shellfuncs,
ocf_is_clone and ocf_is_ms).
"""

from collections.abc import Mapping

from reconciler.model.collective import Clone, Collective, Group
from reconciler.model.intent import Intent
from reconciler.model.names import ResourceId
from reconciler.model.transition import Action


def meta_of(intent: Intent, action: Action) -> Mapping[str, str]:
    """Return what goes with an action beside parameters; nothing for what is not cloned."""
    clone = _clone_of(intent, action.resource) if action.resource is not None else None
    if clone is None:
        return action.meta
    nodes = len(intent.hosts) + len(intent.guest_nodes())
    meta = {
        "clone_max": str(nodes if clone.max is None else clone.max),
        "clone_node_max": str(clone.node_max),
        "globally_unique": _flag(is_so=clone.is_unique),
        "notify": _flag(is_so=clone.notifies),
        "interleave": _flag(is_so=clone.is_interleaved),
        "ordered": _flag(is_so=clone.is_ordered),
        "promotable": _flag(is_so=clone.promotion is not None),
    }
    if action.instance is not None:
        meta["clone"] = action.instance.rpartition(":")[2]
    if clone.promotion is not None:
        limits = {"max": clone.promotion.max, "node_max": clone.promotion.node_max}
        # The second names are those of before Pacemaker 2.1, which resource agents still read.
        meta |= {f"{prefix}_{k}": str(v) for prefix in ("promoted", "master") for k, v in limits.items()}
    return {**meta, **action.meta}


def _clone_of(intent: Intent, resource: ResourceId) -> Clone | None:
    """Return the clone that a resource is a member of, by itself or in a group."""
    declared = resource.partition(":")[0]
    wholes = {declared, *(g.id for g in intent.collectives.values() if _has(g, declared))}
    clones = (c for c in intent.collectives.values() if isinstance(c, Clone))
    return next((c for c in clones if c.member in wholes), None)


def _has(collective: Collective, resource: str) -> bool:
    return isinstance(collective, Group) and resource in collective.members


def _flag(*, is_so: bool) -> str:
    return "true" if is_so else "false"
