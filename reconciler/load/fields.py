"""The scalar types of the YAML documents, each with its JSON Schema; used by the documents only."""

import re
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from reconciler.load import units
from reconciler.load.positions import Spoiled
from reconciler.model.collective import MAX_INSTANCES
from reconciler.model.names import LEGAL_NAME, MAX_NAME_LENGTH

_SERVICE = re.compile(r"[A-Za-z0-9_.@:\\-]+\Z")
"""systemd escapes with backslashes and names instances after an @."""
_PATH = r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9_.@-]+)+"
_AGENTS = {
    "ocf": re.compile(r"[A-Za-z0-9_.-]+:(?:[A-Za-z0-9_.-]+|" + _PATH + r")\Z"),
    "systemd": _SERVICE,
    "lsb": re.compile(_PATH + r"\Z|" + _SERVICE.pattern),
    "service": _SERVICE,
    "stonith": re.compile(r"(?:(?:external|rhcs)/)?[A-Za-z0-9_.-]+\Z"),
}
"""What may stand behind each standard.

Fencing agents of cluster-glue have a folder in their name (external/ipmi), and scripts of init may be named by path;
agents of ocf are so in CIBs of old, and `checks.py` warns of them.
"""


class Part(BaseModel):
    """Base of all documents and their parts: exact types, no unknown fields, camelCase names."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )


def shape(value: object) -> str | None:
    """Tell the branches of a union apart by the value's shape alone, so that only one of them complains."""
    match value:
        case str():
            return "text"
        case list():
            return "list"
        case dict() | Part():
            return "map"
        case _:
            return None


def _converted(parse: Callable[[object], int]) -> BeforeValidator:
    def validate(value: object) -> int:
        if isinstance(value, Spoiled):
            raise PydanticCustomError("spoiled", "refused before")
        try:
            return parse(value)
        except units.UnitError as error:
            raise PydanticCustomError(
                "unit", "{text}", {"code": error.code, "text": error.text, "hint": error.hint}
            ) from error

    return BeforeValidator(validate)


def _failed(code: str, text: str, hint: str) -> PydanticCustomError:
    return PydanticCustomError("unit", "{text}", {"code": code, "text": text, "hint": hint})


def _check_name(value: object) -> object:
    if not isinstance(value, str):
        return value
    if len(value) > MAX_NAME_LENGTH:
        raise _failed("bad-name", "this name is too long", f"at most {MAX_NAME_LENGTH} characters")
    if not LEGAL_NAME.match(value):
        hint = "letters, digits, _ . and -, beginning with a letter, a digit or _"
        raise _failed("bad-name", f'"{value}" is not a legal name', hint)
    return value


def _check_path(value: object) -> object:
    if isinstance(value, str) and (not value.startswith("/") or "\0" in value):
        text = f'"{value}" is not an absolute path'
        raise _failed("bad-path", text, "it is a path on the host: begin it with /")
    return value


def _check_param(value: object) -> object:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str() | Spoiled():
            return value
        case {"secretRef": _}:
            hint = "let the resource agent read the secret from a file on the node"
            raise _failed("not-supported", "secretRef is not supported yet", hint)
        case _:
            what = "a list" if isinstance(value, list) else "a map"
            raise _failed(
                "bad-param", f"{what} is no value for a parameter", "quote it if it is meant as text"
            )


def _check_agent(value: object) -> object:
    if not isinstance(value, str):
        return value
    standard, _, rest = value.partition(":")
    hint = "write ocf:PROVIDER:TYPE, systemd:UNIT, lsb:NAME, service:NAME or stonith:NAME"
    if standard not in _AGENTS:
        raise _failed("bad-agent", f'"{value}" names no standard of resource agents', hint)
    if _AGENTS[standard].match(rest):
        return value
    if standard != "ocf":
        raise _failed("bad-agent", f'"{value}" does not name a {standard} service', hint)
    if rest and ":" not in rest and _SERVICE.match(rest):
        hint = f"write its provider, such as ocf:heartbeat:{rest}"
    raise _failed("bad-agent", f'"{value}" is no OCF resource agent', hint)


Duration = Annotated[
    int,
    _converted(units.parse_duration),
    WithJsonSchema({"type": "string", "pattern": units.DURATION_PATTERN, "examples": ["30s", "5m", "100ms"]}),
]
"""Milliseconds, written as `30s`."""

PositiveDuration = Annotated[
    int,
    _converted(units.parse_positive_duration),
    WithJsonSchema({"type": "string", "pattern": units.POSITIVE_DURATION_PATTERN, "examples": ["30s", "5m"]}),
]
"""Milliseconds above 0, written as `30s`."""

DetectionTime = Annotated[
    int,
    _converted(units.parse_detection_time),
    WithJsonSchema({"type": "string", "pattern": units.POSITIVE_DURATION_PATTERN, "examples": ["2s", "30s"]}),
]
"""Milliseconds from 1 s to 5 min, written as `5s`."""

Size = Annotated[
    int,
    _converted(units.parse_size),
    WithJsonSchema({"type": "string", "pattern": units.SIZE_PATTERN, "examples": ["512Mi", "4Gi"]}),
]
"""Bytes, written as `4Gi`."""

Amount = Annotated[
    int,
    _converted(units.parse_amount),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": units.SIZE_PATTERN}]}
    ),
]
"""A whole number, or bytes, written as `4Gi`."""

Score = Annotated[
    int,
    _converted(units.parse_score),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": -1_000_000, "maximum": 1_000_000},
                {"enum": list(units.SCORE_WORDS)},
            ]
        }
    ),
]
"""A score between -INFINITY and INFINITY."""

Time = Annotated[
    int,
    _converted(units.parse_time),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-12-24T18:00:00Z"]}),
]
"""Epoch seconds, written as `2026-12-24T18:00:00Z`."""

DateRange = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if type(value) is int else value),
    Field(pattern=units.DATE_RANGE_PATTERN),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string", "pattern": units.DATE_RANGE_PATTERN}]}),
]
"""A range of hours, months and the like, as `9-16`, `9-`, `-16` or `9`."""

_COLOURS = ("green", "yellow", "red")


def _check_health(value: object) -> object:
    if isinstance(value, str) and value in _COLOURS:
        return value
    try:
        return str(units.parse_score(value))
    except units.UnitError as error:
        raise _failed(error.code, error.text, "write green, yellow, red or a score") from error


Health = Annotated[
    str,
    BeforeValidator(_check_health),
    WithJsonSchema(
        {"anyOf": [{"enum": list(_COLOURS)}, {"type": "integer"}, {"enum": list(units.SCORE_WORDS)}]}
    ),
]
"""A colour or a score, as text."""

_NAME_SCHEMA = {"type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]*$", "maxLength": MAX_NAME_LENGTH}

Name = Annotated[str, BeforeValidator(_check_name), WithJsonSchema(_NAME_SCHEMA)]
"""The name of a node or resource."""

HostPath = Annotated[str, BeforeValidator(_check_path), WithJsonSchema({"type": "string", "pattern": "^/"})]
"""An absolute path on a host."""

Param = Annotated[
    str,
    BeforeValidator(_check_param),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}]}),
]
"""A resource agent's parameter, as the text that the resource agent reads."""

AgentSpec = Annotated[
    str,
    BeforeValidator(_check_agent),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(ocf:[^:/\s]+:[^:/\s]+|(systemd|lsb|service|stonith):[^/\s]+|"
            r"stonith:(external|rhcs)/[^/\s]+|(lsb|ocf:[^:/\s]+):(/[^/\s]+)+)$",
        }
    ),
]
"""A resource agent, as `ocf:heartbeat:Dummy`."""

AgentPattern = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.@:*/\\-]+$", max_length=256)]
"""Names of resource agents, in which * stands for any text."""
ParamName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=128)]
"""The name of a parameter; a number is one, for resource agents that take their parameters by position."""
LabelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]*$", max_length=128)]
AttributeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_#][A-Za-z0-9_./:-]*$", max_length=128)]
"""The name of a node attribute; those that begin with # are the cluster's own."""
Label = Annotated[str, Field(max_length=256)]
Text = Annotated[str, Field(min_length=1)]
Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
PositiveCount = Annotated[int, Field(ge=1, le=1_000_000)]
Instances = Annotated[int, Field(ge=1, le=MAX_INSTANCES)]
Mac = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$")]
Address = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:%-]+$", max_length=253)]
"""A host name, an IPv4 or an IPv6 address."""

ApiVersion = Literal["reconciler/v1alpha1"]
