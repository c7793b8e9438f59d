"""References in documents that are broken elsewhere, so that all mistakes show at once.

Works on plain values and looks only at what has the right shape; `constraints.py` does this for sound documents.
"""

from reconciler.load.namespace import Namespace
from reconciler.load.positions import Path, RawDocument


def check_references(raw: RawDocument, names: Namespace) -> None:
    """Add a problem for each name in a broken document that nothing has."""
    placement: Path = ("spec", "placement")
    on = _value(raw, (*placement, "on"))
    for index, name in enumerate(on if isinstance(on, list) else []):
        if isinstance(name, str):
            names.node(name, raw.at((*placement, "on", index)))
    prefer = _value(raw, (*placement, "prefer"))
    for name in prefer if isinstance(prefer, dict) else []:
        names.node(name, raw.key_at((*placement, "prefer", name)))
    members = _value(raw, ("spec", "members"))
    for index, name in enumerate(members if isinstance(members, list) else []):
        if isinstance(name, str):
            names.resource(name, raw.at(("spec", "members", index)))
    for path in ((*placement, "with"), (*placement, "apartFrom"), ("spec", "after")):
        items = _value(raw, path)
        for index, item in enumerate(items if isinstance(items, list) else []):
            name = item.get("resource") if isinstance(item, dict) else item
            if isinstance(name, str):
                names.resource(name, raw.at((*path, index)))


def _value(raw: RawDocument, path: Path) -> object:
    value: object = raw.value
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value
