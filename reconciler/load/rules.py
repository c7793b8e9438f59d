"""Rules of placement: which nodes a condition holds for, judged by their labels, which a commit fixes.

How values are compared is Pacemaker's (Pacemaker Explained, "Node Attribute Expressions"): text without case, a label
that is missing differs from everything, and is neither more nor less than anything.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from reconciler.load.document_placement import Condition
from reconciler.load.namespace import Namespace
from reconciler.load.positions import Path, RawDocument
from reconciler.load.problems import Problems
from reconciler.model.names import NodeName
from reconciler.model.node import NodeKind

_COMPARISONS: Mapping[str, Callable[[int], bool]] = {
    "is": lambda order: order == 0,
    "isNot": lambda order: order != 0,
    "above": lambda order: order > 0,
    "atLeast": lambda order: order >= 0,
    "below": lambda order: order < 0,
    "atMost": lambda order: order <= 0,
}
_EQUALITY = frozenset({"is", "isNot"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A node, as far as rules see it."""

    name: NodeName
    labels: Mapping[str, str]
    kind: NodeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Judges conditions."""

    names: Namespace
    problems: Problems

    def check(self, raw: RawDocument, path: Path, condition: Condition) -> bool:
        """Tell whether a condition can be judged; adds a problem for each part that cannot.

        Args:
            raw: the document it stands in.
            path: where it stands there.
            condition: what is written.
        """
        subjects = [n for n, given in _subjects(condition).items() if given]
        if len(subjects) != 1:
            text = "a condition is exactly one of label, nodes, kind, all and any"
            self._add(raw, path, text, "join several with all: or any:")
            return False
        comparisons = _comparisons(condition)
        count = len(comparisons) + (condition.exists is not None)
        if condition.label is not None and count != 1:
            words = ", ".join((*_COMPARISONS, "exists"))
            self._add(raw, path, f"a label is compared exactly once, by one of {words}", "such as is: r1")
            return False
        if condition.label is None and (count or condition.compare_as is not None):
            self._add(raw, path, "only a label is compared", "write label: beside it, or remove it")
            return False
        if condition.exists is not None and condition.compare_as is not None:
            self._add(raw, path, "exists compares nothing", "remove compareAs")
            return False
        if not self._are_comparable(raw, path, condition, comparisons):
            return False
        parts = [("all", i, c) for i, c in enumerate(condition.all_ or [])]
        parts += [("any", i, c) for i, c in enumerate(condition.any_ or [])]
        named = [self.names.node(n, raw.at((*path, "nodes", i))) for i, n in enumerate(condition.nodes or [])]
        sound = [self.check(raw, (*path, word, index), part) for word, index, part in parts]
        return all(sound) and None not in named

    def holds(self, condition: Condition, place: Place) -> bool:
        """Tell whether a condition that was checked holds for a node."""
        if condition.all_ is not None:
            return all(self.holds(part, place) for part in condition.all_)
        if condition.any_ is not None:
            return any(self.holds(part, place) for part in condition.any_)
        if condition.nodes is not None:
            return place.name.lower() in {name.lower() for name in condition.nodes}
        if condition.kind is not None:
            return place.kind.value == condition.kind
        actual = place.labels.get(condition.label or "")
        if condition.exists is not None:
            return (actual is not None) == condition.exists
        ((word, wanted),) = _comparisons(condition).items()
        if actual is None:
            return word == "isNot"
        return _COMPARISONS[word](_order(_type(condition, word), actual, wanted))

    def _are_comparable(
        self, raw: RawDocument, path: Path, condition: Condition, comparisons: Mapping[str, str]
    ) -> bool:
        for word, wanted in comparisons.items():
            if _type(condition, word) == "number" and _number(wanted) is None:
                text = f'"{wanted}" is no number'
                self._add(raw, (*path, word), text, "write a number, or compareAs: text or version")
                return False
        return True

    def _add(self, raw: RawDocument, path: Path, text: str, hint: str) -> None:
        self.problems.add(raw.key_at(path), "bad-rule", text, hint)


def _subjects(condition: Condition) -> dict[str, bool]:
    return {
        "label": condition.label is not None,
        "nodes": condition.nodes is not None,
        "kind": condition.kind is not None,
        "all": condition.all_ is not None,
        "any": condition.any_ is not None,
    }


def _comparisons(condition: Condition) -> dict[str, str]:
    """Return what the label is compared with, by how."""
    written = {
        "is": condition.is_,
        "isNot": condition.is_not,
        "above": condition.above,
        "atLeast": condition.at_least,
        "below": condition.below,
        "atMost": condition.at_most,
    }
    return {word: value for word, value in written.items() if value is not None}


def _type(condition: Condition, word: str) -> str:
    return condition.compare_as or ("text" if word in _EQUALITY else "number")


def _order(kind: str, actual: str, wanted: str) -> int:
    """Return less than, equal to or more than 0, as `actual` is to `wanted`; what is no number is text."""
    if kind == "version":
        one, two = _version(actual), _version(wanted)
        return (one > two) - (one < two)
    left, right = _number(actual), _number(wanted)
    if kind == "number" and left is not None and right is not None:
        return (left > right) - (left < right)
    text, other = actual.lower(), wanted.lower()
    return (text > other) - (text < other)


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _version(text: str) -> list[int]:
    return [int(part) if part.isdigit() else 0 for part in text.split(".")]
