"""Primaries come before what must be with them, as deep as that goes."""

import itertools

import pytest

from tests.plan.place.places import places
from tests.plan.worlds import clone, dummy, group, intent, prefers, with_


@pytest.mark.slow
def test_a_chain_may_be_longer_than_calls_may_nest() -> None:
    names = [f"r{i:04}" for i in range(600)]
    bonds = [with_(a, b) for a, b in itertools.pairwise(names)]
    asked = intent("h1 h2", *map(dummy, names), *bonds, prefers(names[-1], "h2", 1))
    assert set(places(asked).values()) == {"h2"}


def test_a_circle_through_a_group_and_a_clone_is_cut_where_it_closes() -> None:
    asked = intent("h1 h2", dummy("x"), dummy("a"), dummy("b"), group("g", "a", "b"), dummy("k"), clone("c", "k"),
                   with_("x", "g"), with_("g", "c"), with_("c", "x", 10))  # fmt: skip
    assert places(asked) == {"x": "h1", "a": "h1", "b": "h1", "k:0": "h1", "k:1": "h2"}


def test_a_primary_that_is_only_liked_heeds_what_its_dependent_must() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b"), dummy("c"), with_("a", "b"), with_("a", "c", 10),
                   prefers("b", "h2", 1))  # fmt: skip
    assert places(asked) == {"a": "h2", "b": "h2", "c": "h2"}


def test_higher_priority_is_assigned_first() -> None:
    asked = intent("h1 h2", dummy("a"), dummy("b", priority=5), with_("a", "b", -5))
    assert places(asked) == {"b": "h1", "a": "h2"}
