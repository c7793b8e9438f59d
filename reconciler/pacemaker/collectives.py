"""Reads groups, clones, promotable ones and their old form `master` among them, and bundles."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.model.bundle import BundleDeclaration
from reconciler.model.collective import MAX_INSTANCES, Bundle, Clone, Group, Promotion
from reconciler.model.names import ResourceId
from reconciler.model.resource import ResourceAgent
from reconciler.pacemaker.lineage import Lineage, is_unique
from reconciler.pacemaker.values import boolean, integer, score

_WITH_NUMBERS = frozenset({"ocf", "stonith"})
"""Standards of agents that can be told which instance they are (lib/common/agents.c, pcmk_get_ra_caps)."""


def read_group(lineage: Lineage, meta: Mapping[str, str], members: tuple[ResourceId, ...]) -> Group:
    """Return a group of members that are known."""
    return Group(
        id=lineage.id,
        members=members,
        where=lineage.cib.where(lineage.element),
        is_ordered=boolean(meta.get("ordered"), default=True),
        is_colocated=boolean(meta.get("collocated"), default=True),
        priority=score(meta.get("priority")),
    )


def read_clone(
    lineage: Lineage,
    meta: Mapping[str, str],
    member: ResourceId,
    agents: Sequence[ResourceAgent],
    node_count: int,
) -> Clone:
    """Return a clone (Pacemaker lib/pengine/clone.c, clone_unpack).

    Args:
        lineage: the clone's.
        meta: its meta-attributes.
        member: what it clones.
        agents: of the primitives that it consists of: only some can tell instances apart.
        node_count: how many instances it has if it does not say.
    """
    can_differ = all(agent.standard in _WITH_NUMBERS for agent in agents)
    has_names = is_unique(meta) and can_differ
    promotion = Promotion(
        max=_count(meta, "promoted-max", "master-max", 1),
        node_max=_count(meta, "promoted-node-max", "master-node-max", 1),
    )
    return Clone(
        id=lineage.id,
        member=member,
        where=lineage.cib.where(lineage.element),
        max=_instances(lineage, meta, max(1, node_count)),
        node_max=_count(meta, "clone-node-max", "clone-node-max", 1) if has_names else 1,
        min=_count(meta, "clone-min", "clone-min", 0),
        is_interleaved=boolean(meta.get("interleave")),
        is_ordered=boolean(meta.get("ordered")),
        is_unique=has_names,
        notifies=boolean(meta.get("notify")),
        promotion=promotion if boolean(meta.get("promotable")) else None,
        priority=score(meta.get("priority")),
    )


def read_bundle(
    lineage: Lineage, meta: Mapping[str, str], declared: BundleDeclaration, clone: Clone | None
) -> Bundle:
    """Return a bundle of resources that are known; each connection is one, named as the node behind it."""
    whole = declared.collective(clone, lineage.cib.where(lineage.element))
    connections = dict(enumerate(ResourceId(node) for node in declared.nodes))
    return replace(
        whole,
        replicas=tuple(
            replace(r, connection=connections.get(number)) for number, r in enumerate(whole.replicas)
        ),
        is_interleaved=boolean(meta.get("interleave")),
        priority=score(meta.get("priority")),
    )


def _instances(lineage: Lineage, meta: Mapping[str, str], default: int) -> int:
    asked, most = _count(meta, "clone-max", "clone-max", default), max(MAX_INSTANCES, default)
    if asked > most:
        text = f"clone {lineage.id} asks for {asked} instances, and is taken to ask for {most}"
        lineage.cib.note(lineage.element, "clone-max", text)
    return min(asked, most)


def _count(meta: Mapping[str, str], name: str, old_name: str, default: int) -> int:
    text = meta.get(name, meta.get(old_name))
    return default if text is None else max(0, integer(text))
