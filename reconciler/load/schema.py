"""The JSON Schema of the YAML documents, for editors and CI; `python -m reconciler.load.schema` prints it.

It describes shapes; what only the loader can know (names, references, XML) is not in it.
"""

import json
import sys

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from reconciler.load.document import Document

FILE_NAME = "reconciler-v1alpha1.json"


class _Generator(GenerateJsonSchema):
    """Leaves out what YAML of ours never has: null, and titles made from field names."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def get_title_from_name(self, name: str) -> str:
        del name
        return ""


def yaml_schema() -> dict[str, object]:
    """Return the schema of one YAML document of any kind, in JSON Schema 2020-12."""
    generated = TypeAdapter(Document).json_schema(schema_generator=_Generator)
    kinds = generated["oneOf"]
    definitions = _without_titles(generated["$defs"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:reconciler:v1alpha1",
        "title": "reconciler/v1alpha1",
        "description": "A document of a reconciler declaration; see its kinds.",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata"],
        "oneOf": kinds,
        "$defs": definitions,
    }


def yaml_schema_text() -> str:
    """Return the schema as it stands in schemas/."""
    return json.dumps(yaml_schema(), indent=2) + "\n"


def _without_titles(value: object) -> object:
    """Drop titles; a title is text, a field named so would be a map."""
    match value:
        case dict():
            return {k: _without_titles(v) for k, v in value.items() if k != "title" or isinstance(v, dict)}
        case list():
            return [_without_titles(item) for item in value]
        case _:
            return value


if __name__ == "__main__":
    sys.stdout.write(yaml_schema_text())
