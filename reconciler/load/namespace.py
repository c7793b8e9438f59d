"""The name space that nodes and all kinds of resources share, and the references into it.

Names are compared without case; a reference may differ from the declaration in case, and becomes what was declared.
The name of something that is cloned means all its instances together.
"""

from dataclasses import dataclass, field
from enum import Enum

from reconciler.load.positions import RawDocument
from reconciler.load.problems import Problems
from reconciler.load.suggest import did_you_mean
from reconciler.model.names import NodeName, ResourceId, Where

_MAX_HINTS = 50
"""Names that a suggestion is looked for."""


class What(Enum):
    """What a name is given to."""

    HOST = "host"
    REMOTE_NODE = "remote node"
    GUEST = "guest"
    RESOURCE = "resource"
    GROUP = "group"
    CLONE = "clone"
    BUNDLE = "bundle"
    PART = "part of a bundle"
    """What a bundle stands for, but for its nodes: nobody declares it."""

    @property
    def is_node(self) -> bool:
        """Tell whether resources can be placed on it."""
        return self in {What.HOST, What.REMOTE_NODE}


_KINDS = {
    "Host": What.HOST,
    "RemoteNode": What.REMOTE_NODE,
    "Guest": What.GUEST,
    "Resource": What.RESOURCE,
    "Group": What.GROUP,
    "Bundle": What.BUNDLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One declared name."""

    name: str
    what: What
    where: Where
    partner: str | None = None
    """A guest's node, or a node's guest; what a clone is made from; the bundle of a part, or of a node in it."""
    clone: str | None = None
    """What all its instances together are called; None: it is not cloned."""
    is_usable: bool
    """False when its document is broken: it exists, and no more is known."""


@dataclass(slots=True)
class Namespace:
    """All names of the declaration."""

    problems: Problems
    is_whole: bool
    """False when a part of the declaration is unreadable or nameless: what seems missing may stand there."""
    _entries: dict[str, Entry] = field(default_factory=dict)
    _hints: dict[tuple[str, bool], str] = field(default_factory=dict)
    _groups: dict[str, Entry] = field(default_factory=dict)
    """The group of each member."""
    _bundles: dict[str, Entry] = field(default_factory=dict)
    """The bundle of what runs in its containers."""

    def declare(self, entry: Entry) -> bool:
        """Add a name; returns False, with a problem that names both places, when it is taken."""
        taken = self._entries.get(entry.name.lower())
        if taken is None:
            self._entries[entry.name.lower()] = entry
            return True
        if (
            taken.partner == entry.name
            and entry.partner == taken.name
            and taken.where.file == entry.where.file
        ):
            text = f'"{entry.name}" is the name of the {taken.what.value} itself'
            hint = "give the node another name than the resource, as guest1 and vm-guest1"
        else:
            text = f'the name "{entry.name}" is given twice'
            hint = f"there is a {taken.what.value} of this name at {taken.where}"
            if taken.name != entry.name:
                hint += f' ("{taken.name}": names are compared without case)'
        self.problems.add(entry.where, "duplicate-name", text, hint)
        return False

    def declare_document(self, raw: RawDocument, *, is_usable: bool) -> bool:
        """Add the names that a document declares; returns whether none was taken.

        Works on plain values, so that a document with mistakes elsewhere is still known by its names.
        """
        what = _KINDS.get(str(raw.value.get("kind")))
        name = _text_at(raw, ("metadata", "name"))
        if what is None or name is None:
            # What cannot be told by name may be what others mean; Cluster is in no one's way.
            self.is_whole = self.is_whole and raw.value.get("kind") in ("Cluster", "Constraint")
            return False
        # What a broken bundle makes cannot be told.
        self.is_whole = self.is_whole and (is_usable or what is not What.BUNDLE)
        node = _text_at(raw, ("spec", "remoteNode", "name")) if not what.is_node else None
        clone = _clone_name(raw, name) if what in {What.RESOURCE, What.GROUP} else None
        where = raw.at(("metadata", "name"))
        own = Entry(name=name, what=what, where=where, partner=node, clone=clone, is_usable=is_usable)
        is_free = self.declare(own)
        if node is not None:
            where = raw.at(("spec", "remoteNode", "name"))
            entry = Entry(name=node, what=What.REMOTE_NODE, where=where, partner=name, is_usable=is_usable)
            is_free = self.declare(entry) and is_free
        if clone is not None:
            where = raw.at(("spec", "clone", "name"))
            entry = Entry(name=clone, what=What.CLONE, where=where, partner=name, is_usable=is_usable)
            is_free = self.declare(entry) and is_free
        return is_free

    def add_member(self, name: str, group: ResourceId, where: Where) -> ResourceId | None:
        """Put a resource into a group; None, with a problem if there is a mistake, when it cannot be its member."""
        entry = self._entries.get(name.lower())
        if entry is None or entry.what.is_node:
            return self.resource(name, where)
        if entry.what is What.GROUP:
            text = f"{entry.name} is a group, and groups consist of resources"
            self.problems.add(
                where, "group-in-group", text, "list its members here, or order one after the other"
            )
            return None
        if entry.what in {What.BUNDLE, What.PART}:
            text, hint = (
                f"{entry.name} is a {entry.what.value}, and groups consist of resources",
                "leave it out",
            )
            self.problems.add(where, "bundle-in-group", text, hint)
            return None
        if entry.clone is not None or entry.what is What.CLONE:
            text = (
                f"{entry.name if entry.clone else entry.partner} has clone:, and a member of a group cannot"
            )
            self.problems.add(where, "clone-in-group", text, "move clone: to the group")
            return None
        other = self._groups.get(entry.name.lower())
        if other is not None:
            is_same = other.name == group
            text = f"{entry.name} is " + ("listed twice" if is_same else f"a member of {other.name} already")
            self.problems.add(where, "two-groups", text, "a resource belongs to one group, once")
            return None
        self._groups[entry.name.lower()] = self._entries[group.lower()]
        return ResourceId(entry.name) if entry.is_usable else None

    def add_content(self, name: str, bundle: ResourceId, where: Where) -> ResourceId | None:
        """Let a resource run in a bundle; None, with a problem if there is a mistake, when it cannot."""
        entry = self._entries.get(name.lower())
        if entry is None or entry.what.is_node:
            return self.resource(name, where)
        around = self._bundles.get(entry.name.lower()) or self._groups.get(entry.name.lower())
        what = "is a node itself" if entry.partner is not None else f"is a {entry.what.value}"
        if around is not None:
            what = f"belongs to {around.name} already"
        elif entry.clone is not None:
            what = "has clone:"
        elif entry.what is What.RESOURCE and entry.partner is None:
            self._bundles[entry.name.lower()] = self._entries[bundle.lower()]
            return ResourceId(entry.name) if entry.is_usable else None
        text = f"{entry.name} {what}, and a bundle runs one plain resource in each container"
        self.problems.add(where, "not-in-bundle", text, "name a Resource that nothing else runs")
        return None

    def node(self, name: str, where: Where) -> NodeName | None:
        """Return the node that a reference means; None, with a problem if there is a mistake, when unusable."""
        entry = self._entries.get(name.lower())
        if entry is not None and entry.what.is_node:
            return NodeName(entry.name) if entry.is_usable else None
        if entry is not None:
            hint = f"its node is {entry.partner}" if entry.partner else "it has no remoteNode"
            text = f"{entry.name} is a {entry.what.value}, not a node"
            self.problems.add(where, "not-a-node", text, hint)
        elif self.is_whole:
            hint = (
                self._meant(name, is_node=True)
                or "declare a Host, a RemoteNode, or a Guest with this remoteNode"
            )
            self.problems.add(where, "unknown-node", f'there is no node "{name}"', hint)
        return None

    def resource(self, name: str, where: Where) -> ResourceId | None:
        """Return the resource, group or clone that a reference means.

        None, with a problem if there is a mistake, when unusable.
        """
        entry = self._entries.get(name.lower())
        group = self._groups.get(entry.name.lower()) if entry is not None else None
        if entry is not None and group is not None and group.clone is not None:
            text = f"{entry.name} runs at several places, as a member of the cloned group {group.name}"
            self.problems.add(where, "in-clone", text, f"write {group.name}, which means all of them")
            return None
        if entry is not None and entry.what is What.PART:
            text = f"{entry.name} is a part of the bundle {entry.partner}, and moves with it alone"
            self.problems.add(where, "in-bundle", text, f"write {entry.partner}, which means all of it")
            return None
        bundle = self._bundles.get(entry.name.lower()) if entry is not None else None
        if bundle is not None:
            return ResourceId(bundle.name) if bundle.is_usable else None
        if entry is not None and not entry.what.is_node:
            return ResourceId(entry.clone or entry.name) if entry.is_usable else None
        if entry is not None:
            around = self._entries.get((entry.partner or "").lower())
            is_bundled = around is not None and around.what is What.BUNDLE
            word = "it belongs to" if is_bundled else "its guest is"
            hint = f"{word} {entry.partner}" if entry.partner else ""
            text = f"{entry.name} is a {entry.what.value}, not a resource"
            self.problems.add(where, "not-a-resource", text, hint)
        elif self.is_whole:
            hint = self._meant(name, is_node=False)
            self.problems.add(where, "unknown-resource", f'there is no resource "{name}"', hint)
        return None

    def _meant(self, name: str, *, is_node: bool) -> str:
        # Comparing with all names takes long in a large declaration, and thousands may refer to a name that is lost.
        key = (name.lower(), is_node)
        if key not in self._hints and len(self._hints) < _MAX_HINTS:
            known = [entry.name for entry in self._entries.values() if entry.what.is_node is is_node]
            self._hints[key] = did_you_mean(name, known)
        return self._hints.get(key, "")


def _clone_name(raw: RawDocument, name: str) -> str | None:
    spec = raw.value.get("spec")
    if not isinstance(spec, dict) or not isinstance(spec.get("clone"), dict):
        return None
    return _text_at(raw, ("spec", "clone", "name")) or f"{name}-clone"


def _text_at(raw: RawDocument, path: tuple[str, ...]) -> str | None:
    value: object = raw.value
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None
