"""Plain values to YAML text that the loader reads back as the same values. Knows nothing of the schema."""

from collections.abc import Iterable, Mapping
from io import StringIO

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from reconciler.load import scalars

_WIDTH = 110
_FLOW_WIDTH = 90
"""Maps and lists without others in them stand on one line up to this length."""


def yaml_text(documents: Iterable[Mapping[str, object]]) -> str:
    """Return documents as one file.

    Args:
        documents: maps of text, whole numbers, true and false, lists and maps.
    """
    writer = YAML()
    writer.width = _WIDTH
    writer.indent(mapping=2, sequence=2, offset=0)
    parts = []
    for document in documents:
        stream = StringIO()
        writer.dump(_node(document), stream)
        parts.append(stream.getvalue())
    return "---\n".join(parts)


def _node(value: object) -> object:
    match value:
        case str():
            return value if _is_plain(value) else DoubleQuotedScalarString(value)
        case Mapping():
            found = CommentedMap((_node(key), _node(item)) for key, item in value.items())
            if value and _is_short(value.values()) and len(str(value)) <= _FLOW_WIDTH:
                found.fa.set_flow_style()
            return found
        case list():
            items = CommentedSeq(_node(item) for item in value)
            if _is_short(value) and len(str(value)) <= _FLOW_WIDTH:
                items.fa.set_flow_style()
            return items
        case _:
            return value


def _is_short(values: Iterable[object]) -> bool:
    return not any(
        (isinstance(item, Mapping) and item) or (isinstance(item, list) and item) for item in values
    )


def _is_plain(text: str) -> bool:
    """Tell whether text is text without quotes; ruamel itself quotes what has a meaning as YAML's syntax."""
    try:
        return "\n" not in text and scalars.resolve(text) == text
    except scalars.ScalarError:
        return False
