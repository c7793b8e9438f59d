import json
from pathlib import Path

import jsonschema
import pytest

from reconciler.load import schema
from reconciler.load.positions import parse
from tests.load.texts import HOST, guest, host, resource

FOLDER = Path(__file__).parents[2] / "schemas"


def test_the_schema_in_the_repository_is_fresh() -> None:
    want = schema.yaml_schema_text()
    hint = "run: python -m reconciler.load.schema > schemas/reconciler-v1alpha1.json"
    assert (FOLDER / schema.FILE_NAME).read_text(encoding="utf-8") == want, hint


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.yaml_schema())


def test_every_field_is_described() -> None:
    found = schema.yaml_schema()["$defs"]
    assert isinstance(found, dict)
    undescribed = [
        f"{name}.{field}"
        for name, model in found.items()
        for field, part in model["properties"].items()
        if "description" not in part and "$ref" not in part
    ]
    assert undescribed == []


VALIDATOR = jsonschema.Draft202012Validator(
    json.loads((FOLDER / schema.FILE_NAME).read_text(encoding="utf-8"))
)


def is_valid(text: str) -> bool:
    documents = parse("a.yaml", text).documents
    return all(VALIDATOR.is_valid(document.value) for document in documents)


@pytest.mark.parametrize(
    "text",
    [
        HOST,
        host(
            "a",
            "{agent: {address: a.example.net, port: 3121}, state: standby, capacity: {vcpus: 4, memory: 4Gi}}",
        ),
        resource("a", "params: {a: 1, b: true, c: x}", "placement: {on: [a], prefer: {a: INFINITY, b: -5}}"),
        resource(
            "a",
            "op: {monitor: [{interval: 10s}, {interval: 20s, role: Started}]}",
            "after: [a, {resource: b}]",
        ),
        resource(
            "a", "placement: {on: {labels: {rack: r1}}, with: [b], apartFrom: [{resource: c, score: 5}]}"
        ),
        guest("a", "hardware: {memory: 4Gi, disks: [{path: /a, from: /b}]}", node="g", guest_type="vm"),
    ],
)
def test_what_the_loader_takes_is_valid(text: str) -> None:
    assert is_valid(text)


@pytest.mark.parametrize(
    "text",
    [
        "kind: Host\nmetadata: {name: a}\n",
        HOST.replace("Host", "Hots"),
        HOST.replace("agent: local", "agent: lokal"),
        HOST.replace("host1", "-a"),
        resource("a", "op: {start: {timeout: 20}}"),
        resource("a", "params: {a: [1]}"),
        resource("a", "placement: {on: []}"),
        resource("a", "unknown: 1"),
        resource("a", agent="Dummy"),
    ],
)
def test_what_the_loader_refuses_by_its_shape_is_not(text: str) -> None:
    assert not is_valid(text)
