"""Plain values to typed documents: pydantic's complaints become Problems with places and advice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from reconciler.load.document import (
    BundleDocument,
    ClusterDocument,
    ConstraintDocument,
    GroupDocument,
    GuestDocument,
    HostDocument,
    RemoteNodeDocument,
    ResourceDocument,
)
from reconciler.load.positions import Path, RawDocument, Spoiled
from reconciler.load.suggest import did_you_mean
from reconciler.model.problem import Problem

AnyDocument = (
    ClusterDocument
    | HostDocument
    | RemoteNodeDocument
    | GuestDocument
    | ResourceDocument
    | GroupDocument
    | BundleDocument
    | ConstraintDocument
)

API_VERSION = "reconciler/v1alpha1"
KINDS: Mapping[str, type[AnyDocument]] = {
    "Cluster": ClusterDocument,
    "Host": HostDocument,
    "RemoteNode": RemoteNodeDocument,
    "Guest": GuestDocument,
    "Resource": ResourceDocument,
    "Group": GroupDocument,
    "Bundle": BundleDocument,
    "Constraint": ConstraintDocument,
}

_LATER_KINDS = frozenset({"Secret", "Overlay", "Forget"})
_LATER_FIELDS = frozenset({"renamedFrom"})
_NOUNS = {
    "bool_type": "true or false",
    "dict_type": "a map",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_attributes_type": "a map",
    "model_type": "a map",
    "string_type": "text",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A document and its places."""

    raw: RawDocument
    document: AnyDocument


def validate(raw: RawDocument) -> tuple[Checked | None, list[Problem]]:
    """Check a document's shape; the document is None exactly when it cannot be used."""
    problems = [p for p in (_kind_problem(raw), _version_problem(raw)) if p is not None]
    model = KINDS.get(str(raw.value.get("kind")))
    if model is None:
        return None, problems
    try:
        document = model.model_validate(raw.value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            problem = None if detail["loc"] == ("apiVersion",) else _problem(raw, model, detail)
            problems += [problem] if problem is not None else []
        return None, problems
    return (Checked(raw=raw, document=document), []) if raw.is_sound else (None, [])


def _version_problem(raw: RawDocument) -> Problem | None:
    version = raw.value.get("apiVersion")
    if isinstance(version, Spoiled) or version == API_VERSION:
        return None
    if version is None:
        hint = f"write apiVersion: {API_VERSION}"
        return Problem(where=raw.at(()), code="missing-field", text="apiVersion is missing", hint=hint)
    text = f"{_brief(version)} is no version of this schema"
    return Problem(where=raw.at(("apiVersion",)), code="bad-version", text=text, hint=f"write {API_VERSION}")


def _kind_problem(raw: RawDocument) -> Problem | None:
    kind = raw.value.get("kind")
    if isinstance(kind, Spoiled) or (isinstance(kind, str) and kind in KINDS):
        return None
    if kind is None:
        hint = f"write kind: and one of {', '.join(KINDS)}"
        return Problem(where=raw.at(()), code="missing-field", text="kind is missing", hint=hint)
    where = raw.at(("kind",))
    if isinstance(kind, str) and kind in _LATER_KINDS:
        return Problem(where=where, code="not-supported", text=f"kind {kind} is not supported yet")
    if not isinstance(kind, str):
        return Problem(where=where, code="wrong-type", text=f"kind must be text, not {_noun(kind)}")
    hint = did_you_mean(kind, KINDS)
    return Problem(where=where, code="unknown-kind", text=f"there is no kind {_brief(kind)}", hint=hint)


def _problem(raw: RawDocument, model: type[BaseModel], detail: ErrorDetails) -> Problem | None:
    """Translate one complaint; None when it only repeats a refusal."""
    given = detail.get("input")
    if isinstance(given, Spoiled):
        return None
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return _missing(raw, detail)
    path, is_key = _path(raw.value, detail["loc"])
    if kind == "extra_forbidden":
        return _unknown_field(raw, model, path)
    where = raw.key_at(path) if is_key else raw.at(path)
    name = _name(path)
    if kind == "unit":
        return Problem(
            where=where, code=context["code"], text=f"{name}: {context['text']}", hint=context["hint"]
        )
    if kind in _NOUNS:
        text = f"{name} must be {_NOUNS[kind]}, not {_noun(given)}"
        hint = f'quote it: "{given}"' if kind == "string_type" and isinstance(given, int) else ""
        hint = hint.replace("True", "true").replace("False", "false")
        return Problem(where=where, code="wrong-type", text=text, hint=hint)
    if kind == "literal_error":
        text = f"{name}: {_brief(given)} is not possible"
        expected = str(context["expected"]).replace("'", "")
        hint = "write " + expected.replace("True", "true").replace("False", "false")
        return Problem(where=where, code="bad-value", text=text, hint=hint)
    if kind in {"union_tag_not_found", "union_tag_invalid"}:
        expected = _shapes(model, path)
        text = f"{name} must be {expected}, not {_noun(given)}"
        return Problem(where=where, code="wrong-type", text=text)
    text, hint = _limit(kind, given, context, detail["msg"])
    return Problem(where=where, code="bad-value", text=f"{name}: {text}", hint=hint)


def _limit(kind: str, given: object, context: Mapping[str, object], message: str) -> tuple[str, str]:
    """Say what is wrong with a value of the right type, and what would be right."""
    match kind:
        case "too_short" | "string_too_short":
            return "this is empty", "write something, or remove it"
        case "string_too_long":
            return "this is too long", f"at most {context['max_length']} characters"
        case "greater_than_equal":
            return f"{given} is too small", f"at least {context['ge']}"
        case "less_than_equal":
            return f"{given} is too large", f"at most {context['le']}"
        case "string_pattern_mismatch":
            return (
                f"{_brief(given)} has characters that can't stand here",
                f"it must match {context['pattern']}",
            )
        case _:
            return f"{_brief(given)}: {message}", ""


def _missing(raw: RawDocument, detail: ErrorDetails) -> Problem | None:
    parent, _ = _path(raw.value, detail["loc"][:-1])
    if parent in raw.incomplete:
        return None
    text = f"{_name((*parent, str(detail['loc'][-1])))} is missing"
    return Problem(where=raw.key_at(parent), code="missing-field", text=text)


def _unknown_field(raw: RawDocument, model: type[BaseModel], path: Path) -> Problem:
    field, where = str(path[-1]), raw.key_at(path)
    if field in _LATER_FIELDS:
        return Problem(where=where, code="not-supported", text=f"{_name(path)} is not supported yet")
    if path == ("metadata", "labels"):
        text = "only hosts have labels here"
        hint = "labels of a guest's node stand in spec.remoteNode.labels"
        return Problem(where=where, code="unknown-field", text=text, hint=hint)
    if path == ("spec", "clone") and model is GuestDocument:
        hint = "declare each guest by itself, with a name and an address of its own"
        return Problem(where=where, code="guest-in-clone", text="a guest is not cloned", hint=hint)
    known = _fields_at(model, path[:-1])
    parent = _name(path[:-1]) if len(path) > 1 else "this document"
    text = f'there is no field "{field}" in {parent}'
    return Problem(where=where, code="unknown-field", text=text, hint=did_you_mean(field, known, limit=30))


def _path(value: object, location: Sequence[str | int]) -> tuple[Path, bool]:
    """Return the part of a pydantic location that leads through the document, and whether it means a key.

    What does not lead on are the tags of unions, which pydantic puts between.
    """
    path: Path = ()
    is_key = False
    for step in location:
        if step == "[key]":
            is_key = True
        elif (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and isinstance(step, int) and step < len(value)
        ):
            value = value[step]  # type: ignore[index]  # a step of a list is an int, see above
            path = (*path, step)
    return path, is_key


def _fields_at(model: type[BaseModel], path: Path) -> frozenset[str]:
    """Return the names of the fields that may stand in the map at a path."""
    annotation: object = model
    for step in path:
        annotation = _step(annotation, step)
    return frozenset(name for part in _models(annotation) for name in _aliases(part))


def _step(annotation: object, step: str | int) -> object:
    if isinstance(step, int):
        found = [get_args(part)[0] for part in _branches(annotation) if get_origin(part) is list]
    else:
        found = [_aliases(part)[step] for part in _models(annotation) if step in _aliases(part)]
        found += [get_args(part)[1] for part in _branches(annotation) if get_origin(part) is dict]
    return found[0] if found else None


def _branches(annotation: object) -> list[object]:
    """Return the alternatives of a type, without its annotations."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _branches(get_args(annotation)[0])
    if origin is Union or origin is UnionType:
        return [branch for part in get_args(annotation) for branch in _branches(part)]
    return [annotation]


def _models(annotation: object) -> list[type[BaseModel]]:
    return [b for b in _branches(annotation) if isinstance(b, type) and issubclass(b, BaseModel)]


def _aliases(model: type[BaseModel]) -> dict[str, object]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _shapes(model: type[BaseModel], path: Path) -> str:
    """Say which shapes a union allows."""
    annotation: object = model
    for step in path:
        annotation = _step(annotation, step)
    nouns = {"map": False, "list": False, "text": False}
    for branch in _branches(annotation):
        origin = get_origin(branch)
        is_model = isinstance(branch, type) and issubclass(branch, BaseModel)
        if branch is not type(None):
            nouns["map" if is_model or origin is dict else "list" if origin is list else "text"] = True
    words = {"map": "a map", "list": "a list", "text": "text"}
    return " or ".join(words[noun] for noun, allowed in nouns.items() if allowed)


def _name(path: Path) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "the document"


def _noun(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return f"the number {value}"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "a map"


def _brief(value: object) -> str:
    match value:
        case str():
            return f'"{value}"' if len(value) <= 60 else f'"{value[:57]}..."'
        case int() | bool():
            return str(value).lower()
        case _:
            return _noun(value)
