"""JSON values, and how to look into them without losing their types."""

import json
from typing import Any

Document = dict[str, Any]
"""A JSON object; its shape is in schemas/."""


def listed(document: Document, name: str) -> list[Document]:
    """Return a list of objects within an object."""
    found = document[name]
    assert isinstance(found, list)
    return found


def to_text(document: Document) -> str:
    """Return a document as JSON for people and tools: indented, keys as they were put in."""
    return json.dumps(document, indent=2, ensure_ascii=False)
