"""The planner's input as JSON and back, for `reconcile replay` and for tests made from what once happened.

Everything is written out, defaults too, so that a saved input means the same when a default changes. Keys that are
pairs are joined by a comma, which no name contains.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import TypeVar, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter

from reconciler.model.errors import UsageError
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.observed import Observed

FORMAT = "reconciler-plan-input/1"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlanInput:
    format: str
    intent: Intent
    observed: Observed
    history: History
    now: float


def dump_plan_input(intent: Intent, observed: Observed, history: History, now: float) -> str:
    """Return the planner's input as JSON; equal inputs give equal text.

    Args:
        intent: what was asked.
        observed: what was seen.
        history: what was remembered.
        now: epoch seconds.
    """
    return to_json(_PlanInput(format=FORMAT, intent=intent, observed=observed, history=history, now=now))


def load_plan_input(text: str) -> tuple[Intent, Observed, History, float]:
    """Return what `dump_plan_input` was given.

    Raises:
        UsageError: it is no saved input, or one of another version.
    """
    saved = from_json(_PlanInput, text)
    if saved.format != FORMAT:
        raise UsageError(f"this saved planner input has the format {saved.format}, not {FORMAT}")
    return saved.intent, saved.observed, saved.history, saved.now


def to_json(value: object) -> str:
    """Return one of the model's values as JSON; equal values give equal text."""
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def from_json(model: type[T], text: str) -> T:
    """Return the value that `to_json` was given.

    Raises:
        UsageError: it is none, or one of another version.
    """
    wanted: type = model
    try:
        value = _adapter(wanted).validate_python(_with_pairs(model, json.loads(text)))
    except (ValueError, RecursionError) as error:
        name = model.__name__.removeprefix("_")
        raise UsageError(f"this is no saved {name} of this version: {error}") from error
    assert isinstance(value, model), "pydantic builds what it was asked for"
    return value


@cache
def _adapter(model: type) -> TypeAdapter[object]:
    # Making one takes longer than reading a hundred rows with it.
    return TypeAdapter(model)


def _plain(value: object) -> object:
    match value:
        case Enum():
            return value.value
        case Mapping():
            return {_key(key): _plain(item) for key, item in value.items()}
        case tuple() | list():
            return [_plain(item) for item in value]
        case frozenset():
            return sorted((_plain(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return value


def _key(key: object) -> str:
    match key:
        case tuple():
            return ",".join(str(part) for part in key)
        case Enum():
            return str(key.value)
        case _:
            return str(key)


def _with_pairs(hint: object, plain: object) -> object:
    """Return a plain form with the keys that are pairs taken apart again, wherever a dataclass's field has them."""
    if not isinstance(plain, dict):
        return plain
    if is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint)
        return {name: _with_pairs(hints.get(name), item) for name, item in plain.items()}
    if get_origin(hint) is Mapping and get_origin(get_args(hint)[0]) is tuple:
        return {tuple(key.split(",")): item for key, item in plain.items()}
    return plain
