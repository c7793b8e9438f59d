"""Conditions as they are written, to those of the model; what cannot be judged is refused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.load.document_placement import Condition, Date
from reconciler.load.namespace import Namespace
from reconciler.load.positions import Path, RawDocument
from reconciler.load.problems import Problems
from reconciler.load.suggest import did_you_mean
from reconciler.model import rule as model
from reconciler.model.node import NodeKind
from reconciler.model.rule import Comparison, ValueType
from reconciler.plan.rules import KIND, KINDS, NAME, number_of

_COMPARISONS: Mapping[str, Comparison] = {
    "is": Comparison.EQ,
    "isNot": Comparison.NE,
    "above": Comparison.GT,
    "atLeast": Comparison.GTE,
    "below": Comparison.LT,
    "atMost": Comparison.LTE,
}
_OWN = frozenset({NAME, KIND, "#node-unfenced"})
_HEALTH = "#health-"
"""The attributes that begin with # are the cluster's: those above, and what is said of a node's health."""
_EQUALITY = frozenset({"is", "isNot"})
_CALENDAR = (
    "seconds", "minutes", "hours", "monthdays", "weekdays", "yeardays", "weeks", "months", "weekyears", "years",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Reads conditions."""

    names: Namespace
    problems: Problems

    def read(self, raw: RawDocument, path: Path, condition: Condition) -> model.Condition | None:
        """Return a condition; None, with a problem for each part, if it cannot be judged.

        Args:
            raw: the document it stands in.
            path: where it stands there.
            condition: what is written.
        """
        before = len(self.problems.found)
        found = self._read(raw, path, condition)
        return found if len(self.problems.found) == before else None

    def _read(self, raw: RawDocument, path: Path, condition: Condition) -> model.Condition | None:
        subjects = [n for n, given in _subjects(condition).items() if given]
        if len(subjects) != 1:
            text = "a condition is exactly one of label, attribute, nodes, kind, date, all and any"
            self._add(raw, path, text, "join several with all: or any:")
            return None
        name = condition.label or condition.attribute
        if name is not None:
            return self._attribute(raw, path, condition, name)
        if _comparisons(condition) or condition.exists is not None or condition.compare_as is not None:
            text = "only a label or an attribute is compared"
            self._add(raw, path, text, "write label: beside it, or remove it")
            return None
        if condition.nodes is not None:
            nodes = [self.names.node(n, raw.at((*path, "nodes", i))) for i, n in enumerate(condition.nodes)]
            return _any(_is(NAME, Comparison.EQ, node) for node in nodes if node is not None)
        if condition.kind is not None:
            return _is(KIND, Comparison.EQ, KINDS[NodeKind(condition.kind)])
        if condition.date is not None:
            return self._date(raw, (*path, "date"), condition.date)
        word, parts = ("all", condition.all_) if condition.all_ is not None else ("any", condition.any_)
        read = [self._read(raw, (*path, word, i), part) for i, part in enumerate(parts or [])]
        found = tuple(part for part in read if part is not None)
        return model.Together(kind="all" if word == "all" else "any", parts=found)

    def _attribute(
        self, raw: RawDocument, path: Path, condition: Condition, name: str
    ) -> model.Condition | None:
        what = "a label" if condition.label is not None else "an attribute"
        comparisons = _comparisons(condition)
        if len(comparisons) + (condition.exists is not None) != 1:
            words = ", ".join((*_COMPARISONS, "exists"))
            self._add(raw, path, f"{what} is compared exactly once, by one of {words}", "such as is: r1")
            return None
        is_declared = condition.label is not None
        if not is_declared and name.startswith("#") and name not in _OWN and not name.startswith(_HEALTH):
            text = f'the cluster has no attribute "{name}"'
            hint = did_you_mean(name, [*sorted(_OWN), f"{_HEALTH}NAME"])
            self._add(raw, (*path, "attribute"), text, hint)
        if condition.exists is not None:
            if condition.compare_as is not None:
                self._add(raw, path, "exists compares nothing", "remove compareAs")
            comparison = Comparison.DEFINED if condition.exists else Comparison.NOT_DEFINED
            return model.AttributeTest(name=name, comparison=comparison, is_declared=is_declared)
        ((word, wanted),) = comparisons.items()
        kind = ValueType(condition.compare_as or ("text" if word in _EQUALITY else "number"))
        if kind in {ValueType.NUMBER, ValueType.INTEGER} and number_of(wanted) is None:
            hint = "write a number, or compareAs: text or version"
            self._add(raw, (*path, word), f'"{wanted}" is no number', hint)
        return model.AttributeTest(
            name=name,
            comparison=_COMPARISONS[word],
            value=wanted,
            value_type=kind,
            is_declared=is_declared,
        )

    def _date(self, raw: RawDocument, path: Path, written: Date) -> model.DateTest:
        before = written.before
        if written.lasting is not None:
            if written.from_ is None or before is not None:
                text = "lasting counts from `from`, and instead of before"
                self._add(raw, (*path, "lasting"), text, "write from: and lasting:, or from: and before:")
            before = (written.from_ or 0) + written.lasting // 1000
        calendar = tuple(_range(unit, text) for unit, text in _calendar(written))
        if written.from_ is None and before is None and not calendar:
            self._add(raw, path, "this date is always", 'write from:, before:, or such as hours: "9-16"')
        if written.from_ is not None and before is not None and written.from_ >= before:
            self._add(raw, path, "this date is never", "let from: be earlier than before:")
        return model.DateTest(since=written.from_, before=before, calendar=calendar)

    def _add(self, raw: RawDocument, path: Path, text: str, hint: str) -> None:
        self.problems.add(raw.key_at(path), "bad-rule", text, hint)


def _is(name: str, comparison: Comparison, value: str) -> model.AttributeTest:
    return model.AttributeTest(name=name, comparison=comparison, value=value)


def _any(tests: Iterable[model.AttributeTest]) -> model.Condition:
    parts = tuple(tests)
    return parts[0] if len(parts) == 1 else model.Together(kind="any", parts=parts)


def _subjects(condition: Condition) -> dict[str, bool]:
    return {
        "label": condition.label is not None,
        "attribute": condition.attribute is not None,
        "nodes": condition.nodes is not None,
        "kind": condition.kind is not None,
        "date": condition.date is not None,
        "all": condition.all_ is not None,
        "any": condition.any_ is not None,
    }


def _comparisons(condition: Condition) -> dict[str, str]:
    """Return what is compared with, by how."""
    written = {
        "is": condition.is_,
        "isNot": condition.is_not,
        "above": condition.above,
        "atLeast": condition.at_least,
        "below": condition.below,
        "atMost": condition.at_most,
    }
    return {word: value for word, value in written.items() if value is not None}


def _calendar(written: Date) -> list[tuple[str, str]]:
    """Return the ranges of a date by the units of the model, which are Pacemaker's."""
    texts = (
        written.seconds, written.minutes, written.hours, written.month_days, written.weekdays, written.year_days,
        written.weeks, written.months, written.week_years, written.years,
    )  # fmt: skip
    return [(unit, text) for unit, text in zip(_CALENDAR, texts, strict=True) if text is not None]


def _range(unit: str, text: str) -> model.CalendarRange:
    low, dash, high = text.partition("-")
    first = int(low) if low else None
    last = (int(high) if high else None) if dash else first
    return model.CalendarRange(unit=unit, low=first, high=last)
