"""What is really so, whatever the controller believes: the ledger of all starts and stops, and what runs where.

It decides nothing for the controller and tells it nothing. It checks what must hold at every step: that nothing
exclusive runs twice (I1), and that nothing is started elsewhere before its end was learnt (I2).
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.resource import ResourceAgent

Params = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, order=True)
class Copy:
    """One running copy of a resource: what it is, where, in which life of that node, and as what it was started."""

    resource: ResourceId
    node: NodeName
    life: str
    """The boot of a host, or the uid of a guest's start."""
    variant: Params
    """What tells copies apart: the resource agent and its parameters, or the uid of a guest's start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger."""

    at: float
    """Virtual seconds."""
    what: str
    resource: str
    node: str
    text: str = ""

    def __str__(self) -> str:
        return f"{self.at:9.3f}  {self.what:<14} {self.resource:<10} {self.node:<8} {self.text}".rstrip()


@dataclass(slots=True)
class Facts:
    """What is known of one copy."""

    is_alive: bool = True
    """It runs, or a start of it does."""
    is_started: bool = False
    """Its start succeeded."""
    has_ended: bool = False
    """Its end is certain: not merely crashed, but stopped, or gone with its node."""


@dataclass(slots=True)
class Truth:
    """The world as it is."""

    ledger: list[Entry] = field(default_factory=list)
    copies: dict[Copy, Facts] = field(default_factory=dict)
    """All that were started and whose end the controller has not learnt."""
    arrived: set[Copy] = field(default_factory=set)
    """What was handed over, and no operation at its new place was about yet."""
    violations: list[str] = field(default_factory=list)
    crash_text: str = ""
    """The traceback of what broke, if something did."""

    def note(self, what: str, resource: str, node: str, text: str = "") -> None:
        """Add a line to the ledger."""
        at = asyncio.get_running_loop().time()
        self.ledger.append(Entry(at=at, what=what, resource=resource, node=node, text=text))

    def violate(self, invariant: str, text: str) -> None:
        """Write down that an invariant is broken."""
        self.note("VIOLATION", invariant, "", text)
        self.violations.append(f"{invariant}: {text}")

    def of(self, resource: ResourceId) -> Iterator[tuple[Copy, Facts]]:
        """Return the copies of a resource whose end the controller has not learnt."""
        for copy, facts in self.copies.items():
            if copy.resource == resource:
                yield copy, facts

    def alive_on(self, node: NodeName, life: str) -> list[Copy]:
        """Return what runs on a node in one of its lives."""
        return sorted(c for c, f in self.copies.items() if (c.node, c.life) == (node, life) and f.is_alive)

    def is_alive(self, copy: Copy) -> bool:
        """Tell whether a copy runs."""
        facts = self.copies.get(copy)
        return facts is not None and facts.is_alive

    def decide_start(self, resource: ResourceId, node: NodeName) -> None:
        """Take note that the controller has decided to start something somewhere (I2)."""
        for copy, facts in self.of(resource):
            if copy.node != node:
                state = "ended" if facts.has_ended else "crashed" if not facts.is_alive else "running"
                self.violate(
                    "I2", f"{resource} is to start on {node}; its end on {copy.node} is not learnt ({state})"
                )

    def begin_start(self, copy: Copy) -> None:
        """Take note that a start begins: from here on the resource may run there (I1)."""
        self.note("start", copy.resource, copy.node, _text(copy))
        for other, facts in self.of(copy.resource):
            if other != copy and facts.is_alive:
                self.violate("I1", f"{copy.resource} starts on {copy.node} and runs on {other.node}")
        facts = self.copies.setdefault(copy, Facts())
        facts.is_alive, facts.has_ended = True, False

    def end_start(self, copy: Copy, *, is_ok: bool, is_running: bool) -> None:
        """Take note of how a start ended; one that failed may have left something running."""
        facts = self.copies.get(copy)
        if facts is None or facts.has_ended:
            return
        if is_ok:
            facts.is_started = True
        else:
            self.note("start-failed", copy.resource, copy.node, "runs" if is_running else "")
        facts.is_alive = is_running

    def decide_migration(self, resource: ResourceId, source: NodeName, target: NodeName) -> None:
        """Take note that the controller has decided to move something live: it is known to run nowhere else (I2)."""
        for copy, _ in self.of(resource):
            if copy.node not in {source, target}:
                text = (
                    f"{resource} is to move from {source} to {target}; its end on {copy.node} is not learnt"
                )
                self.violate("I2", text)

    def hand_over(self, copy: Copy, target: Copy) -> None:
        """Let what runs as one copy go on as another, without a moment in which both do (I1)."""
        self.note("handed-over", copy.resource, copy.node, target.node)
        for other, facts in self.of(copy.resource):
            if other not in {copy, target} and facts.is_alive:
                self.violate("I1", f"{copy.resource} moves to {target.node} and runs on {other.node}")
        self.copies[copy].is_alive = False
        facts = self.copies.setdefault(target, Facts())
        facts.is_alive, facts.has_ended = True, False
        self.arrived.add(target)

    def take_over(self, copy: Copy) -> None:
        """Let what was handed over be what its new node's parameters name: rules let these differ between nodes."""
        for other in [c for c in self.arrived if replace(c, variant=copy.variant) == copy]:
            self.arrived.discard(other)
            if other in self.copies:
                self.copies[copy] = self.copies.pop(other)

    def crash(self, copy: Copy) -> None:
        """End a copy without anybody knowing."""
        facts = self.copies.get(copy)
        if facts is not None and facts.is_alive:
            self.note("crash", copy.resource, copy.node)
            facts.is_alive = False

    def stop(self, copy: Copy) -> None:
        """End a copy in order; one that is not there is stopped already."""
        facts = self.copies.get(copy)
        self.note("stopped", copy.resource, copy.node, _text(copy) if facts else "was not there")
        if facts is not None:
            facts.is_alive, facts.has_ended = False, True

    def end_life(self, node: NodeName, life: str) -> None:
        """End everything on a node with that life of it."""
        for copy, facts in self.copies.items():
            if (copy.node, copy.life) == (node, life) and not facts.has_ended:
                facts.is_alive, facts.has_ended = False, True

    def learn_end(self, copy: Copy) -> None:
        """Take note that the controller was told of a copy's end; what is not so is not believed."""
        facts = self.copies.get(copy)
        if facts is not None and not facts.is_alive:
            del self.copies[copy]

    def learn_ends_on(self, node: NodeName) -> None:
        """Take note that the controller was told that nothing runs on a machine."""
        for copy in [c for c in self.copies if c.node == node]:
            self.learn_end(copy)

    def learn_end_of_life(self, node: NodeName, life: str) -> None:
        """Take note that the controller was told of the end of a node's life."""
        for copy in [c for c in self.copies if (c.node, c.life) == (node, life)]:
            self.learn_end(copy)

    def learn_other_lives_ended(self, node: NodeName, life: str) -> None:
        """Take note that the controller was told in which life a node is: all others are over."""
        for copy in [c for c in self.copies if c.node == node and c.life != life and not is_guest(c)]:
            self.learn_end(copy)


def is_guest(copy: Copy) -> bool:
    """Tell whether a copy is a guest on its host; of those, hypervisors tell and agents don't."""
    return copy.variant[0][0] == "uid"


def variant_of(agent: ResourceAgent, params: Mapping[str, str]) -> Params:
    """Return what tells copies of a resource apart: a probe with other parameters sees another copy."""
    own = tuple(sorted(params.items())) if agent.has_parameters else ()
    return (("", str(agent)), *own)


def _text(copy: Copy) -> str:
    return " ".join(f"{k}={v}" if k else v for k, v in copy.variant)
