"""The planner's input as JSON and back, for `reconcile replay` and for tests made from what once happened.

Everything is written out, defaults too, so that a saved input means the same when a default changes. Keys that are
pairs are joined by a comma, which no name contains.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from reconciler.model.errors import UsageError
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.observed import Observed

FORMAT = "reconciler-plan-input/1"


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
    saved = _PlanInput(format=FORMAT, intent=intent, observed=observed, history=history, now=now)
    return json.dumps(_plain(saved), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def load_plan_input(text: str) -> tuple[Intent, Observed, History, float]:
    """Return what `dump_plan_input` was given.

    Raises:
        UsageError: it is no saved input, or one of another version.
    """
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"this is no saved planner input: {error}") from error
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise UsageError(f"this is no saved planner input of the format {FORMAT}")
    for name, model in (("observed", Observed), ("history", History)):
        plain[name] = _with_pairs(model, plain.get(name))
    try:
        saved = TypeAdapter(_PlanInput).validate_python(plain)
    except ValidationError as error:
        raise UsageError(f"this saved planner input does not fit this version: {error}") from error
    return saved.intent, saved.observed, saved.history, saved.now


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


def _with_pairs(model: type[Observed | History], plain: object) -> object:
    """Return a dataclass's plain form with the keys that are pairs taken apart again."""
    if not isinstance(plain, dict):
        return plain
    pairs = {name for name, hint in get_type_hints(model).items() if _has_pairs(hint)}
    return {
        name: {tuple(key.split(",")): item for key, item in value.items()}
        if name in pairs and isinstance(value, dict)
        else value
        for name, value in plain.items()
    }


def _has_pairs(hint: object) -> bool:
    return get_origin(hint) is Mapping and get_origin(get_args(hint)[0]) is tuple
