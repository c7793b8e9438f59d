"""Values behave as frozen dataclasses do, without what those load."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import pytest

from agent.wire.values import dataclass, field, replace


@dataclass(frozen=True)
class Point:
    """Docs stay."""

    x: int
    y: int = 2
    tags: dict[str, str] = field(default_factory=dict, repr=False)
    secret: str = field(default="", repr=False)

    @property
    def total(self) -> int:
        return self.x + self.y


@dataclass(frozen=True)
class Pair:
    x: int
    y: int = 2


def test_fields_are_given_by_place_and_by_name_and_have_defaults() -> None:
    assert vars(Point(1)) == {"x": 1, "y": 2, "tags": {}, "secret": ""}
    assert vars(Point(1, y=3, secret="s")) == {"x": 1, "y": 3, "tags": {}, "secret": "s"}
    assert (Point(1).total, Point.__doc__, Point.__module__) == (3, "Docs stay.", __name__)
    assert Point(1).tags is not Point(1).tags


@pytest.mark.parametrize(
    ("values", "fields"),
    [((), {}), ((1, 2, {}, "", 5), {}), ((1,), {"x": 1}), ((1,), {"z": 1}), ((), {"y": 1})],
)
def test_wrong_fields_are_an_error(values: tuple[int, ...], fields: dict[str, int]) -> None:
    with pytest.raises(TypeError, match=r"^Point has the fields x, y, tags, secret, each at most once$"):
        Point(*values, **fields)  # type: ignore[arg-type]  # that is what is tested


def test_values_are_equal_to_their_like_alone() -> None:
    assert Point(1) == Point(1, 2)
    assert Point(1) != Point(2)
    assert Pair(1) != Point(1)  # type: ignore[comparison-overlap]  # likewise
    assert len({Pair(1), Pair(1), Pair(2)}) == 2
    assert copy.deepcopy(Point(1)) == Point(1)


def test_values_do_not_change() -> None:
    value = Pair(1)
    with pytest.raises(AttributeError, match=r"^Pair\.x cannot change$"):
        value.x = 2  # type: ignore[misc]  # likewise
    with pytest.raises(AttributeError, match=r"^Pair\.x cannot go$"):
        del value.x
    assert replace(value, x=3) == Pair(3)
    assert value == Pair(1)


def test_what_is_hidden_is_not_shown() -> None:
    assert repr(Point(1, tags={"password": "p"}, secret="s")) == "Point(x=1, y=2)"


def test_parts_are_matched_in_the_order_of_fields() -> None:
    assert Point.__match_args__ == ("x", "y", "tags", "secret")


def test_agent_does_without_what_dataclasses_load() -> None:
    folder = Path(__file__).parents[3]
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); import agent.server; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], check=True, capture_output=True, text=True
    )
    assert not {"dataclasses", "inspect", "ast", "dis", "logging", "subprocess"} & set(done.stdout.split())
