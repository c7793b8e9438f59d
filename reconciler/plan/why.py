"""Explains why resources are assigned as they are: the terms of every node's score, and why the others lost.

It assigns everything as the planner does, with a trace that takes notes; nothing is scored a second time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId, Where
from reconciler.model.observed import Observed
from reconciler.plan.nodes import survey
from reconciler.plan.place.placement import Placement, place
from reconciler.plan.place.trace import Choice, Step, Trace
from reconciler.plan.remote import with_lost_nodes
from reconciler.plan.situation import Situation
from reconciler.plan.terms import text_of, where_of
from reconciler.plan.verdicts import decided_by, verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One part of a resource's score on one node."""

    kind: str
    """The value of a Cause."""
    text: str
    value: int | None
    """Added by infinity math; None: the score is replaced."""
    score: int
    """What the score is with this term."""
    where: Where | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAccount:
    """How one node stands for one resource."""

    node: NodeName
    score: int | None
    """None: the resource cannot run there at all."""
    terms: tuple[Term, ...]
    load: int
    """Resources that had been assigned to it before."""
    is_chosen: bool
    verdict: str
    """Why it won or lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Why one primitive, or one instance of a clone, is assigned to its node."""

    resource: ResourceId
    current: NodeName | None
    """Where it runs."""
    node: NodeName | None
    """Where it is to run."""
    rule: str
    """The value of a Rule."""
    text: str
    """The same for people."""
    nodes: tuple[NodeAccount, ...]
    """The chosen one first, then by score and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a declared resource, or all that a group or a clone consists of, is where it is."""

    resource: ResourceId
    kind: str
    """guest, primitive, group or clone."""
    where: Where
    accounts: tuple[Account, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One pass over all resources, with notes."""

    situation: Situation
    placement: Placement
    trace: Trace

    def names(self) -> list[ResourceId]:
        """Return all that can be asked for."""
        situation = self.situation
        return sorted({*situation.intent.resources, *situation.intent.collectives, *self.trace.choices})

    def nodes(self) -> list[NodeName]:
        """Return all nodes that can be asked for."""
        return sorted([*self.situation.intent.hosts, *self.situation.intent.guest_nodes()])

    def explain(self, name: ResourceId, node: NodeName | None = None) -> Explanation:
        """Return why a resource is assigned as it is; with a node, that node's part alone.

        Args:
            name: one of `names`.
            node: one of `nodes`.
        """
        intent = self.situation.intent
        declared = (
            intent.collectives.get(name) or intent.resources.get(name) or self.situation.resources[name]
        )
        return Explanation(
            resource=name,
            kind=self._kind(name),
            where=declared.where,
            accounts=tuple(self._account(leaf, node) for leaf in self._leaves(name)),
        )

    def _kind(self, name: ResourceId) -> str:
        intent = self.situation.intent
        if name in self.situation.clones:
            return "clone" if self.situation.clones[name].bundle is None else "bundle"
        if name in intent.collectives or name in self.situation.groups:
            return "group"
        resource = intent.resources.get(name) or self.situation.resources[name]
        return "primitive" if resource.guest is None else "guest"

    def _leaves(self, name: ResourceId) -> Iterator[ResourceId]:
        """Return the primitives that a declared name stands for; of what is cloned, all instances."""
        situation = self.situation
        if name in situation.resources or name in situation.clones or name in situation.groups:
            yield from situation.leaves(name)
            return
        collective = situation.intent.collectives.get(name)
        members = getattr(collective, "members", (name,))
        yield from (r.id for r in situation.resources.values() if r.declared_as in members)

    def _account(self, name: ResourceId, only: NodeName | None) -> Account:
        choice, node = self.trace.choices[name], self.placement.nodes[name]
        accounts = [self._node(name, choice, n, node) for n in self.nodes() if only in {None, n}]
        accounts.sort(key=lambda a: (not a.is_chosen, a.score is None, -(a.score or 0), a.node))
        return Account(
            resource=name,
            current=choice.current,
            node=node,
            rule=choice.rule.value,
            text=self._text(name, choice, node),
            nodes=tuple(accounts),
        )

    def _text(self, name: ResourceId, choice: Choice, node: NodeName | None) -> str:
        """Say in a sentence what decided."""
        lack = self.situation.lack_of(self.situation.resources[name])
        if name in self.situation.frozen and lack is not None:
            return f"{lack.text}, and it is frozen as it is"
        return decided_by(choice, node, self.placement.obstacles.get(name))

    def _node(self, name: ResourceId, choice: Choice, node: NodeName, winner: NodeName | None) -> NodeAccount:
        resource = self.situation.resources[name]
        terms = tuple(self._terms(name, node))
        return NodeAccount(
            node=node,
            score=choice.scores.get(node),
            terms=terms,
            load=choice.standings[node].load,
            is_chosen=node == winner,
            verdict=verdict(self.situation, resource, choice, node, winner),
        )

    def _terms(self, name: ResourceId, node: NodeName) -> Iterator[Term]:
        for step in self.trace.steps.get(name, ()):
            value = step.value(node)
            if node not in step.after or (value == 0 and not _brings_in(step, node)):
                continue
            yield Term(
                kind=step.cause.value,
                text=text_of(self.situation, name, step, node),
                value=value,
                score=step.after[node],
                where=where_of(self.situation, name, step, node),
            )


def _brings_in(step: Step, node: NodeName) -> bool:
    """Tell whether a step makes a node possible that had no score: clusters where nothing is by default."""
    return node not in step.before


def explain_all(intent: Intent, observed: Observed, history: History, now: float) -> Explained:
    """Assign everything as `schedule` does, and keep notes of it."""
    situation = with_lost_nodes(survey(intent, observed, history, now))
    trace = Trace()
    return Explained(situation=situation, placement=place(situation, trace), trace=trace)
