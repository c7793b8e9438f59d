import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.report.schema import NAMES, document_schema, document_schema_text

FOLDER = Path(__file__).parents[2] / "schemas"


@pytest.mark.parametrize("name", NAMES)
def test_the_schemas_in_the_repository_are_fresh(name: str) -> None:
    hint = f"run: python -m reconciler.report.schema {name} > schemas/{name}.json"
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == document_schema_text(name), hint


@pytest.mark.parametrize("name", NAMES)
def test_the_schemas_are_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(document_schema(name))


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_described(name: str) -> None:
    def undescribed(schema: Any, path: str) -> list[str]:
        found = [] if {"description", "const"} & schema.keys() else [path]
        for field, part in schema.get("properties", {}).items():
            found += undescribed(part, f"{path}.{field}")
        if "properties" in schema.get("items", {}):
            found += undescribed(schema["items"], f"{path}[]")
        return found

    assert undescribed(document_schema(name), name) == []


def test_later_versions_may_add_fields() -> None:
    assert "additionalProperties" not in json.dumps([document_schema(name) for name in NAMES])
