"""A dead controller does nothing any more, wherever it stands."""

import pytest

from reconciler.sim.life import KilledError, Life


def test_a_dead_controller_is_stopped_at_its_next_call() -> None:
    deaths: list[str] = []
    life = Life(lambda: deaths.append("dead"))
    life.die()
    life.die()
    with pytest.raises(KilledError), life:
        deaths.append("acted")
    assert deaths == ["dead"]


@pytest.mark.parametrize(("before", "seen"), [(True, ["dead"]), (False, ["acted", "dead"])])
def test_death_in_a_call_comes_before_or_after_its_effect(before: bool, seen: list[str]) -> None:
    happened: list[str] = []
    life = Life(lambda: happened.append("dead"))
    life.die_in_call(before=before)
    with pytest.raises(KilledError), life:
        happened.append("acted")
    assert happened == seen


def test_an_error_of_the_world_is_not_covered_up() -> None:
    life = Life(lambda: None)
    life.die_in_call(before=False)
    with pytest.raises(ValueError, match="refused"), life:
        raise ValueError("refused")
