"""Reads what crm_simulate -S printed: places, transition lines, executed actions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Places = dict[str, list[tuple[str, str]]]
"""For each resource, node and role of each instance that runs; clone instances under their common name."""

_RESOURCE = re.compile(r"\* (\S+)\s+(?:\([0-9.]+\)\s+)?\(([^)\s]+:[^)\s]+)\):\s+(.*)$")
_SET = re.compile(r"\* Clone Set: \S+ \[(\S+)\]")
_MEMBERS = re.compile(r"\* (Started|Promoted|Unpromoted|Stopped): \[ (.*) \]")
_ROLES = {"Started", "Stopped", "Promoted", "Unpromoted"}
_MARKS = {"FAILED", "ORPHANED", "REMOVED", "UNCLEAN", "[", "]"}
_BUSY = {"Starting", "Stopping", "Migrating", "Monitoring", "Promoting", "Demoting"}


@dataclass
class Outcome:
    """What a simulation came to; ours or Pacemaker's."""

    places: Places = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    actions: set[str] = field(default_factory=set)


def plain(line: str) -> str:
    """Return a line with its blanks made equal."""
    return " ".join(line.split())


def read_summary(text: str) -> Outcome:
    outcome = Outcome()
    section = ""
    lines_of: dict[str, list[str]] = {}
    for line in text.splitlines():
        if re.match(r"\S.*:$", line):
            section = line[:-1]
        elif line.lstrip().startswith("* "):
            lines_of.setdefault(section, []).append(line.strip())
    outcome.lines = sorted(plain(line) for line in lines_of.get("Transition Summary", ()))
    outcome.actions = {plain(line) for line in lines_of.get("Executing Cluster Transition", ())}
    outcome.places = _places(lines_of.get("Revised Cluster Status", ()))
    return outcome


def base(name: str) -> str:
    """Return a resource's name without the number of a clone instance."""
    return re.sub(r":\d+$", "", name)


def with_members(places: Places, groups: Mapping[str, Sequence[str]]) -> Places:
    """Return places with what is said of whole instances of cloned groups said of their members."""
    found: Places = {}
    for name, where in places.items():
        for member in groups.get(name, (name,)):
            found.setdefault(member, []).extend(where)
    return {name: sorted(where) for name, where in found.items()}


def _places(lines: object) -> Places:
    found: Places = {}
    inside = ""
    assert isinstance(lines, list | tuple)
    for line in lines:
        if match := _SET.match(line):
            inside = match.group(1)
        elif match := _MEMBERS.match(line):
            if match.group(1) != "Stopped":
                found.setdefault(inside, []).extend((n, match.group(1)) for n in match.group(2).split())
        elif match := _RESOURCE.match(line):
            words = re.sub(r"\([^)]*\)", " ", match.group(3)).split()
            role = next((w for w in words if w in _ROLES), "Started")
            nodes = [w for w in words if w not in _ROLES | _MARKS | _BUSY]
            if role != "Stopped":
                found.setdefault(base(match.group(1)), []).extend((n.rstrip(","), role) for n in nodes)
    return {name: sorted(places) for name, places in found.items() if places}
