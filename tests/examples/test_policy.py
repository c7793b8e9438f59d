"""Each policy has an example of its own, which is valid, described by the schema, and planned as it says."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import jsonschema
import pytest

from reconciler.load import not_yet
from reconciler.load.load import load
from reconciler.load.positions import parse
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.plan.outlook import ideal_world
from reconciler.plan.schedule import schedule

EXAMPLES = Path(__file__).parents[2] / "examples" / "policy"
SCHEMA = EXAMPLES.parents[1] / "schemas" / "reconciler-v1alpha1.json"
NAMES = sorted(path.name for path in EXAMPLES.iterdir())


def intent_of(name: str) -> Intent:
    loaded = load({"cluster.yaml": (EXAMPLES / name / "cluster.yaml").read_bytes()})
    assert [str(problem) for problem in loaded.problems if problem.code != not_yet.CODE] == []
    assert loaded.intent is not None
    return loaded.intent


@pytest.mark.parametrize("name", NAMES)
def test_each_loads_without_problems_and_is_named_as_its_folder(name: str) -> None:
    assert intent_of(name).cluster.name == name


@pytest.mark.parametrize("name", NAMES)
def test_editors_find_the_schema_and_it_agrees(name: str) -> None:
    text = (EXAMPLES / name / "cluster.yaml").read_text()
    modeline = "# yaml-language-server: $schema=../../../schemas/reconciler-v1alpha1.json"
    assert text.splitlines()[0] == modeline
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    errors = [e.message for d in parse("a.yaml", text).documents for e in validator.iter_errors(d.value)]
    assert errors == []


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("capacity", ["database start host2", "search start host2"]),
        (
            "bundles",
            [
                "shop-ip-192.0.2.40 start host2",
                "shop-podman-0 start host2",
                "shop-ip-192.0.2.41 start host1",
                "shop-podman-1 start host1",
                "database:0 start shop-0",
                "database:1 start shop-1",
                "proxy-docker-0 start host1",
                "proxy-docker-1 start host2",
                "cache-ip-192.0.2.50 start host3",
                "cache-podman-0 start host3",
                "cache-ip-192.0.2.51 start host3",
                "cache-podman-1 start host3",
                "cache-ip-192.0.2.52 start host1",
                "cache-podman-2 start host1",
                "cache-ip-192.0.2.53 start host2",
                "cache-podman-3 start host2",
            ],
        ),
        (
            "clones",
            [
                "lockd:0 start host1",
                "lockd:1 start host2",
                "lockd:2 start host3",
                "cache:0 start host1",
                "cache:1 start host2",
                "shop start host1",
                "worker:0 start host3",
                "worker:1 start host2",
                "worker:2 start host3",
                "worker:3 start host1",
                "queue start host2",
            ],
        ),
        (
            "colocation",
            [
                "database start host1",
                "replica start host3",
                "shop start host1",
                "proxy start host2",
                "report start host1",
            ],
        ),
        ("defaults", ["database start host1", "web start host2"]),
        ("failures", ["web start host1", "license start host2", "probe start host1"]),
        ("containers", ["pod start host2", "shop start host2", "box start host1", "worker start box-node"]),
        (
            "fencing",
            [
                "ipmi1 start host2",
                "ipmi2 start host1",
                "pdu-a start host1",
                "pdu-b start host2",
                "web start host1",
            ],
        ),
        (
            "groups",
            [
                "address start host2",
                "files start host2",
                "nginx start host2",
                "backup start host2",
                "mail-in start host1",
                "mail-out start host1",
            ],
        ),
        ("health", ["web start host2", "rescue start host1"]),
        ("maintenance", ["web start host1"]),
        ("migration", ["vm-shop create host1"]),
        ("opt-in", ["web start host1", "database start host2"]),
        (
            "order",
            [
                "database start host1",
                "cache start host1",
                "shop start host1",
                "import start host1",
                "monitoring start host1",
            ],
        ),
        ("quorum", ["web start host1", "beacon start host2"]),
        (
            "rules",
            [
                "database start host3",
                "cache start host1",
                "license start host3",
                "report start host2",
                "address start host1",
                "import start host2",
                "export start host2",
            ],
        ),
        (
            "sets",
            [
                "dns1 start host1",
                "dns2 start host2",
                "dns3 start host3",
                "mail start host1",
                "web start host2",
            ],
        ),
        ("tickets", ["database:0 start host1", "database:1 start host2", "monitoring start host1"]),
    ],
)
def test_an_empty_world_is_planned_as_the_example_says(name: str, want: list[str]) -> None:
    intent = intent_of(name)
    planned = schedule(intent, ideal_world(intent), History(), 0.0)
    got = [f"{c.address.partition('/')[2]} {c.action} {c.target}" for c in planned.changes]
    assert got == want


NOT_POLICY = {
    "Disk", "Domain", "Forward", "GuestNode", "Hardware", "HostAgent", "Kernel", "Nic", "RemoteNodeSpec",
}  # fmt: skip
"""What says how something is reached or made, not where it runs."""


def test_every_field_of_policy_stands_in_an_example() -> None:
    files = [path.read_text() for path in sorted(EXAMPLES.parent.rglob("*.yaml"))]
    documents = [document.value for text in files for document in parse("a.yaml", text).documents]
    used = {key for document in documents for key in keys_of(document)}
    fields = {
        f"{part}.{field}"
        for part, shape in json.loads(SCHEMA.read_text())["$defs"].items()
        for field in shape.get("properties", {})
        if part not in NOT_POLICY and field not in used
    }
    assert sorted(fields) == []


def keys_of(value: object) -> Iterator[str]:
    """Yield the names of all fields that a value has, at any depth."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from keys_of(inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from keys_of(inner)
