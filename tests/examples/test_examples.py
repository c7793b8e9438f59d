import json
from pathlib import Path

import jsonschema
import pytest

from reconciler.load.load import load
from reconciler.load.positions import parse
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import GuestType

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("ci", "fedora-how-to-test", "kvm", "quickstart")


def read(name: str) -> dict[str, bytes]:
    folder = EXAMPLES / name
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def intent_of(name: str) -> Intent:
    loaded = load(read(name))
    assert [str(problem) for problem in loaded.problems] == []
    assert loaded.intent is not None
    return loaded.intent


@pytest.mark.parametrize("name", NAMES)
def test_every_example_loads_without_problems_and_is_named_as_its_folder(name: str) -> None:
    assert intent_of(name).cluster.name == name


@pytest.mark.parametrize("name", NAMES)
def test_editors_find_the_schema(name: str) -> None:
    modeline = "# yaml-language-server: $schema=../../schemas/reconciler-v1alpha1.json"
    declarations = [path for path in (EXAMPLES / name).glob("*.yaml") if not path.name.startswith(".")]
    assert [path.read_text().splitlines()[0] for path in declarations] == [modeline] * len(declarations)
    assert (EXAMPLES / name / "../../schemas/reconciler-v1alpha1.json").exists()


@pytest.mark.parametrize("name", NAMES)
def test_the_schema_that_editors_use_agrees(name: str) -> None:
    schema = json.loads((EXAMPLES.parent / "schemas/reconciler-v1alpha1.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    for path in (EXAMPLES / name).glob("[!.]*.yaml"):
        for document in parse(path.name, path.read_text()).documents:
            assert [error.message for error in validator.iter_errors(document.value)] == []


def test_quickstart_needs_no_root_and_no_libvirt() -> None:
    intent = intent_of("quickstart")
    guest = intent.resources[ResourceId("vm-guest1")]
    assert guest.guest is not None
    assert guest.remote_node is not None
    assert (guest.guest.type, guest.remote_node.name) == (GuestType.PROCESS, "guest1")
    assert guest.remote_node.agent.port == 43121
    assert {r.agent.provider for r in intent.resources.values() if r.guest is None} == {"reconciler"}
    assert intent.hosts[NodeName("host1")].libvirt == {}


def test_the_fedora_example_has_a_container_a_node_and_a_resource() -> None:
    intent = intent_of("fedora-how-to-test")
    guest = intent.resources[ResourceId("vm-guest1")]
    assert guest.guest is not None
    assert guest.guest.domain_xml is not None
    assert (guest.guest.type, list(intent.guest_nodes())) == (GuestType.LXC, ["guest1"])
    assert str(intent.resources[ResourceId("FAKE")].agent) == "ocf:heartbeat:Dummy"
    assert [(c.resource, c.node, c.score) for c in intent.locations] == [("FAKE", "guest1", 1_000_000)]
