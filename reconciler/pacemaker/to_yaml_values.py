"""How values of the model are written in YAML, and the list of what cannot be."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.names import Where
from reconciler.model.resource import MultipleActive, ResourceAgent, Role
from reconciler.model.score import INFINITY
from reconciler.pacemaker.document import Unsupported

Map = dict[str, object]
"""A YAML map: text, whole numbers, true and false, lists and maps."""

STATES = {Role.STARTED: "running", Role.STOPPED: "stopped", Role.UNPROMOTED: "unpromoted"}
MULTIPLE_ACTIVE = {
    MultipleActive.STOP_START: "restart",
    MultipleActive.STOP_ONLY: "stop",
    MultipleActive.BLOCK: "block",
}

_PARAM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_AGENT = re.compile(r"[A-Za-z0-9_.@:\\-]+\Z")
_STANDARDS = frozenset({"ocf", "systemd", "lsb", "service", "stonith"})
_LABEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,127}\Z")
_NOT_LABELS = ("#", "fail-count-", "last-failure-", "master-", "promotion-")
_STATES = frozenset({
    "standby", "maintenance", "shutdown", "terminate", "probe_complete", "resource-discovery-enabled",
})  # fmt: skip
_HEALTH = "#health-"
_COLOURS = frozenset({"green", "yellow", "red"})
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


@dataclass(slots=True)
class Losses:
    """What has no equivalent, as it is found."""

    found: list[Unsupported] = field(default_factory=list)

    def add(self, where: Where, feature: str, text: str) -> None:
        """Remember one thing that is not said."""
        self.found.append(Unsupported(where=where, feature=feature, text=text))


def duration(milliseconds: int) -> str:
    """Return a duration in the largest unit that divides it."""
    if milliseconds == 0:
        return "0s"
    unit, length = next((u, n) for u, n in _UNITS if milliseconds % n == 0)
    return f"{milliseconds // length}{unit}"


def score(points: int) -> object:
    """Return a score as users write it."""
    if abs(points) >= INFINITY:
        return "INFINITY" if points > 0 else "-INFINITY"
    return points


def own_labels(labels: Mapping[str, str]) -> Map:
    """Return the labels that people chose, without what Pacemaker keeps among them."""
    return {
        name: text for name, text in labels.items() if is_label(name) and len(text) <= 256 and is_kept(name)
    }


def health(labels: Mapping[str, str]) -> Map:
    """Return the health that is kept among labels."""
    return {
        name.removeprefix(_HEALTH): text if text in _COLOURS else int(text)
        for name, text in labels.items()
        if name.startswith(_HEALTH) and (text in _COLOURS or text.lstrip("-").isdigit())
    }


def amounts(found: Mapping[str, int]) -> Map:
    """Return what is needed, or there, of each kind, where YAML can say it."""
    return {name: amount for name, amount in found.items() if is_label(name) and amount >= 0}


def is_kept(name: str) -> bool:
    """Tell whether people, or their tools, chose an attribute: it is none of Pacemaker's own."""
    return name not in _STATES and not name.startswith(_NOT_LABELS)


def is_param(name: str) -> bool:
    """Tell whether a parameter may be called so."""
    return _PARAM.match(name) is not None


def is_agent(agent: ResourceAgent) -> bool:
    """Tell whether a resource agent has a name that can be written: those of init and ocf may be named by path."""
    name = agent.type.removeprefix("external/").removeprefix("rhcs/") if agent.is_fencing else agent.type
    names = name[1:].split("/") if agent.standard in {"lsb", "ocf"} and name.startswith("/") else [name]
    has_provider = _AGENT.match(agent.provider) is not None or agent.standard != "ocf"
    return agent.standard in _STANDARDS and has_provider and all(_AGENT.match(part) for part in names)


def is_label(name: str) -> bool:
    """Tell whether something may be called so in a map of free names."""
    return _LABEL.match(name) is not None
