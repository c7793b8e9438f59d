"""Puts into words what the instances of a clone are told: which of them run where, and what they are about to do.

The names are those that resource agents read as OCF_RESKEY_CRM_meta_NAME (Pacemaker Explained, "Clone Notifications";
lib/pengine/pe_notif.c, add_notif_keys). Instances are listed by name, in each pair of lists in the same order; an empty
list is one blank, as resource agents expect.
"""

from collections.abc import Iterable, Mapping
from itertools import chain

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.resource import Role
from reconciler.model.transition import ActionKind
from reconciler.plan.decision import Decision
from reconciler.plan.place.scores import possible_nodes
from reconciler.plan.situation import Situation
from reconciler.plan.steps import Steps

_Places = Iterable[tuple[ResourceId, NodeName]]

_FORMER_NAMES = {"promoted": "master", "unpromoted": "slave"}
"""Resource agents written before Pacemaker 2.1 know roles by these."""


def notify_meta(situation: Situation, leaves: list[Decision], steps: Steps) -> Mapping[str, str]:
    """Return what all instances of one clone are told, but for what the notice is about."""
    now = [(leaf, i) for leaf in leaves for i in leaf.active]
    roled = [(leaf, i) for leaf, i in now if leaf.resource.is_promotable]
    lists: dict[str, _Places] = {
        "start": _doing(leaves, steps, ActionKind.START),
        "stop": [(leaf.resource.id, i.node) for leaf, i in now if leaf.stops],
        "promote": _doing(leaves, steps, ActionKind.PROMOTE),
        "demote": _doing(leaves, steps, ActionKind.DEMOTE),
        "active": [(leaf.resource.id, i.node) for leaf, i in now],
        "promoted": [(leaf.resource.id, i.node) for leaf, i in roled if i.role is Role.PROMOTED],
        "unpromoted": [(leaf.resource.id, i.node) for leaf, i in roled if i.role is not Role.PROMOTED],
    }
    told: dict[str, str] = {}
    for name, places in lists.items():
        for known_as in (name, *([_FORMER_NAMES[name]] if name in _FORMER_NAMES else [])):
            told[f"notify_{known_as}_resource"] = _words(r for r, _ in sorted(places))
            told[f"notify_{known_as}_uname"] = _words(n for _, n in sorted(places))
    told["notify_inactive_resource"] = _words(sorted(leaf.resource.id for leaf in leaves if not leaf.active))
    allowed = chain.from_iterable(possible_nodes(situation, leaf.resource) for leaf in leaves)
    told["notify_available_uname"] = _words(sorted(set(allowed)))
    told["notify_all_uname"] = _words(sorted({*situation.intent.hosts, *situation.guests}))
    return told


def _doing(leaves: list[Decision], steps: Steps, kind: ActionKind) -> _Places:
    return [(leaf.resource.id, a.node) for leaf in leaves for a in steps.of(kind, leaf.resource.id)]


def _words(names: Iterable[str]) -> str:
    return " ".join(names) or " "
