"""Chance with a seed: the only source of randomness in a simulation."""

import random  # noqa: TID251  this module is what hands out random.Random's answers, always with a seed
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """Random decisions that a seed repeats."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._random = random.Random(seed)  # noqa: S311  repeatable is what is wanted here, not secret

    def fork(self, name: str) -> "Chance":
        """Return chance of its own for one concern, so that a draw more in one changes nothing in the others."""
        return Chance(f"{self._seed}/{name}")

    def happens(self, odds: float) -> bool:
        """Return True in `odds` of all cases."""
        return odds > 0 and self._random.random() < odds

    def between(self, low: float, high: float) -> float:
        """Return a number in a range."""
        return low if high <= low else self._random.uniform(low, high)

    def integer(self, low: int, high: int) -> int:
        """Return an integer in a range, both ends included."""
        return self._random.randint(low, high)

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of several."""
        return self._random.choice(choices)

    def some(self, choices: Sequence[T], low: int, high: int) -> list[T]:
        """Return between `low` and `high` different ones of several, in their order."""
        count = min(self.integer(low, high), len(choices))
        chosen = set(self._random.sample(range(len(choices)), count))
        return [choice for index, choice in enumerate(choices) if index in chosen]
