"""Reads how well resources say that their nodes suit promotion: node attributes `master-RESOURCE`.

Source: Pacemaker lib/pacemaker/pcmk_sched_promotable.c, promotion_score. Resource agents set them by `crm_attribute
--promotion`, under the name that the node's history has for the resource.
"""

from collections.abc import Iterator, Mapping

from reconciler.model.attribute import PROMOTION_PREFIX
from reconciler.model.names import NodeName, ResourceId
from reconciler.pacemaker.history_names import HistoryNames
from reconciler.pacemaker.nodes import Nodes
from reconciler.pacemaker.resources import Resources
from reconciler.pacemaker.values import score


def read_promotion_scores(
    nodes: Nodes, resources: Resources, names: HistoryNames
) -> dict[tuple[ResourceId, NodeName], int]:
    """Return the score of each resource on each node that has one, under the name that it is observed by."""
    return {
        (name, node): found
        for node, attributes in nodes.attributes.items()
        for name, found in _scores(node, attributes, resources, names)
    }


def _scores(
    node: NodeName, attributes: Mapping[str, str], resources: Resources, names: HistoryNames
) -> Iterator[tuple[ResourceId, int]]:
    """Return the scores on a node; of several for what shares a name, that of what runs there, else the shared one."""
    said = {
        ResourceId(name.removeprefix(PROMOTION_PREFIX)): score(value)
        for name, value in attributes.items()
        if name.startswith(PROMOTION_PREFIX)
    }
    best: dict[ResourceId, tuple[int, ResourceId]] = {}
    for written in said:
        name = resources.known_as(written)
        active = names.numbered.get((name, node))
        rank = 0 if written == active else 1 if written == name else 2
        best[name] = min(best.get(name, (3, written)), (rank, written))
    for name, (_, written) in best.items():
        yield name, said[written]
