"""Settings with rules: what always holds of a resource, and what holds while a condition does.

Which conditions count where (Pacemaker lib/pengine/complex.c): parameters may depend on nodes and on dates;
meta-attributes on dates, and on the kind of resource, which is known here already.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from reconciler.model.names import ResourceId, Where
from reconciler.model.resource import Resource
from reconciler.model.rule import Condition, Override
from reconciler.pacemaker.document import Cib, Element, elements
from reconciler.pacemaker.lineage import CLONES, Lineage
from reconciler.pacemaker.nvpairs import by_precedence, pairs_of
from reconciler.pacemaker.rules import (
    ALWAYS,
    NEVER,
    Subject,
    condition_of,
    with_cluster_name,
    without_attributes,
)
from reconciler.plan.rules import Facts, holds

VARIABLE = frozenset({
    "resource-stickiness", "priority", "migration-threshold", "failure-timeout", "multiple-active", "target-role",
    "is-managed",
})  # fmt: skip
"""The meta-attributes that can be overridden."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional:
    """Pairs of one block that count while a condition holds."""

    when: Condition
    where: Where
    pairs: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Pairs from many blocks."""

    always: Mapping[str, str]
    conditional: tuple[Conditional, ...] = ()
    """Over those; of several that hold, the last counts."""

    def at(self, now: float) -> dict[str, str]:
        """Return what counts at a time, in epoch seconds, of settings that only the time decides."""
        found = dict(self.always)
        for one in self.conditional:
            if holds(one.when, Facts(now=now)):
                found |= one.pairs
        return found


def settings_of(cib: Cib, layers: Iterable[Iterable[Element]], subject: Subject, first: str = "") -> Settings:
    """Return what blocks say where only the time can decide.

    Args:
        cib: where references are looked up.
        layers: blocks of pairs; what the earlier layers say goes before.
        subject: what their rules are about.
        first: the id of a block that goes before all others of its layer.
    """
    return _settled(
        found for blocks in layers for found in _of(cib, blocks, subject, without_attributes, first)
    )


def params_of(lineage: Lineage, cluster: str) -> Settings:
    """Return the parameters of a primitive in the cluster of this name."""
    subject, limit = Subject(now=lineage.cib.now), partial(with_cluster_name, name=cluster)
    return _settled(_blocks(lineage, "instance_attributes", subject, limit))


def meta_of(lineage: Lineage) -> Settings:
    """Return the meta-attributes of a primitive that can be overridden."""
    found = _settled(_meta(lineage))
    return Settings(
        always={name: text for name, text in found.always.items() if name in VARIABLE},
        conditional=tuple(
            Conditional(when=one.when, where=one.where, pairs=pairs)
            for one in found.conditional
            if (pairs := {name: text for name, text in one.pairs.items() if name in VARIABLE})
        ),
    )


def overrides_of(
    name: ResourceId, params: Settings, meta: Settings, variant: Callable[[Mapping[str, str]], Resource]
) -> Iterator[Override]:
    """Yield what holds of a primitive while a condition does; of several that hold, the last counts.

    Args:
        name: the primitive.
        params: its parameters.
        meta: its meta-attributes.
        variant: makes the primitive by meta-attributes.
    """
    for one in params.conditional:
        yield Override(resource=name, when=one.when, where=one.where, params=one.pairs)
    for one in meta.conditional:
        so, said = variant({**meta.always, **one.pairs}), one.pairs.keys()
        yield Override(
            resource=name,
            when=one.when,
            where=one.where,
            stickiness=so.stickiness if "resource-stickiness" in said else None,
            priority=so.priority if "priority" in said else None,
            failure_limit=so.failure_limit if "migration-threshold" in said else None,
            failure_timeout_ms=so.failure_timeout_ms if "failure-timeout" in said else None,
            multiple_active=so.multiple_active if "multiple-active" in said else None,
            state=so.state if "target-role" in said else None,
            is_managed=so.is_managed if "is-managed" in said else None,
        )


def _meta(lineage: Lineage) -> Iterator[Conditional]:
    """Yield the blocks with meta-attributes in the order in which `Lineage.meta` lets them count."""
    cib, subject = lineage.cib, lineage.subject
    yield from _blocks(lineage, "meta_attributes", subject, without_attributes)
    blocks = [b for b in cib.section("configuration/rsc_defaults") if b.tag == "meta_attributes"]
    yield from _of(cib, blocks, subject, without_attributes)
    if lineage.element.tag in CLONES:
        yield Conditional(when=ALWAYS, where=cib.where(lineage.element), pairs={"resource-stickiness": "1"})
    if lineage.parent is not None:
        yield from _meta(lineage.parent)


_Limit = Callable[[Condition], Condition]


def _blocks(lineage: Lineage, tag: str, subject: Subject, limit: _Limit) -> Iterator[Conditional]:
    for one in (lineage, *lineage.ancestors):
        for source in one.sources:
            yield from _of(lineage.cib, list(elements(source, tag)), subject, limit)


def _of(
    cib: Cib, blocks: Iterable[Element], subject: Subject, limit: _Limit, first: str = ""
) -> Iterator[Conditional]:
    for block in by_precedence(cib, blocks, first):
        when = limit(condition_of(cib, block, subject))
        if when != NEVER:
            yield Conditional(when=when, where=cib.where(block), pairs=pairs_of(cib, block))


def _settled(blocks: Iterable[Conditional]) -> Settings:
    """Return what counts of blocks, of which the earlier go before the later."""
    always: dict[str, str] = {}
    conditional: list[Conditional] = []
    for block in blocks:
        left = {name: text for name, text in block.pairs.items() if name not in always}
        one = Conditional(when=block.when, where=block.where, pairs=left)
        if block.when == ALWAYS:
            always |= left
        elif left and one not in conditional:  # what a group hands down comes again with what it is
            conditional.append(one)
    return Settings(always=always, conditional=tuple(reversed(conditional)))
