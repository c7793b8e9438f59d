"""Leaves bundles out of what is written as YAML, where there is no such thing yet, and says so."""

from dataclasses import replace

from reconciler.model.collective import Bundle, parts_of
from reconciler.model.intent import Intent
from reconciler.model.names import ResourceId, Where
from reconciler.pacemaker.to_yaml_values import Losses


def without_bundles(intent: Intent, losses: Losses) -> Intent:
    """Return an intent without bundles, all that they stand for, and the constraints on them."""
    bundles = [c for c in intent.collectives.values() if isinstance(c, Bundle)]
    if not bundles:
        return intent
    for bundle in bundles:
        text = f"bundle {bundle.id} has no equivalent here, and is left out with what is in it"
        losses.add(bundle.where, "bundle", text)
    gone = {name for bundle in bundles for name in _all_of(intent, bundle.id)}

    def stays(where: Where, name: str, *about: ResourceId) -> bool:
        is_gone = not gone.isdisjoint(about)
        if is_gone and not gone.issuperset(about):
            losses.add(where, "constraint", f"{name} is about a bundle too, and is left out")
        return not is_gone

    return replace(
        intent,
        resources={name: r for name, r in intent.resources.items() if name not in gone},
        collectives={name: c for name, c in intent.collectives.items() if name not in gone},
        overrides=tuple(o for o in intent.overrides if o.resource not in gone),
        locations=tuple(c for c in intent.locations if c.resource not in gone),
        location_rules=tuple(c for c in intent.location_rules if c.resource not in gone),
        tickets=tuple(need for need in intent.tickets if need.resource not in gone),
        colocations=tuple(c for c in intent.colocations if stays(c.where, c.id, c.dependent, c.primary)),
        orderings=tuple(o for o in intent.orderings if stays(o.where, o.id, o.first, o.then)),
    )


def _all_of(intent: Intent, name: ResourceId) -> list[ResourceId]:
    found = intent.collectives.get(name)
    parts = () if found is None else parts_of(found)
    return [name, *(one for part in parts for one in _all_of(intent, part))]
