"""Validators that also refuse what no schema names: our own documents must be described completely."""

from typing import Any

import jsonschema

from reconciler.report.schema import document_schema


def problems(name: str, document: object) -> list[str]:
    """What a schema has against a document."""
    validator = jsonschema.Draft202012Validator(_strict(document_schema(name)))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: _strict(value) for key, value in schema.items()}
    return {**inner, "additionalProperties": False} if schema.get("type") == "object" else inner
