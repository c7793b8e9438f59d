import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.load.load import Loaded, load
from reconciler.model.constraint import Discovery
from reconciler.model.intent import Intent
from tests.load.test_collectives import group
from tests.load.test_sets import constraint
from tests.load.texts import HOST, XML, guest, host, load_text, problems_of, resource

CONTRACT = """\
apiVersion: reconciler/v1alpha1
kind: Cluster
metadata: {name: shop}
spec: {defaults: {resource: {stickiness: 1, failureLimit: 3}}, safety: {maxDestroy: 1}}
---
apiVersion: reconciler/v1alpha1
kind: Host
metadata: {name: host1, labels: {rack: r1}}
spec:
  libvirt: {vm: "qemu:///system", lxc: "lxc:///system"}
  agent: local
---
apiVersion: reconciler/v1alpha1
kind: Host
metadata: {name: host2}
spec:
  libvirt: {lxc: "qemu+tls://host2/system"}
  agent: {address: host1.example.net, port: 3121}
---
apiVersion: reconciler/v1alpha1
kind: Guest
metadata: {name: vm-guest1}
spec:
  type: lxc
  remoteNode: {name: guest1, address: 192.168.122.50, port: 3121, connectTimeout: 60s}
  domain: {xml: vm.xml}
  placement: {on: [host1, host2], prefer: {host1: 100}}
---
apiVersion: reconciler/v1alpha1
kind: Resource
metadata: {name: FAKE}
spec:
  agent: "ocf:heartbeat:Dummy"
  params: {state: /run/fake.state}
  op: {start: {timeout: 20s}, stop: {timeout: 20s}, monitor: {interval: 10s, timeout: 20s, onFail: restart}}
  placement: {prefer: {guest1: INFINITY}, with: [], apartFrom: []}
  after: []
  state: running
"""


def test_the_contract_loads() -> None:
    loaded = load_text(CONTRACT)
    assert loaded.problems == ()
    intent = loaded.intent
    assert intent is not None
    assert (intent.cluster.name, list(intent.hosts), list(intent.resources), list(intent.guest_nodes())) == (
        "shop",
        ["host1", "host2"],
        ["vm-guest1", "FAKE"],
        ["guest1"],
    )
    assert [(c.resource, c.node, c.score, c.discovery, str(c.where)) for c in intent.locations] == [
        ("vm-guest1", "host1", 0, Discovery.EXCLUSIVE, "a.yaml:27:20"),
        ("vm-guest1", "host2", 0, Discovery.EXCLUSIVE, "a.yaml:27:27"),
        ("vm-guest1", "host1", 100, Discovery.ALWAYS, "a.yaml:27:44"),
        ("FAKE", "guest1", 1_000_000, Discovery.ALWAYS, "a.yaml:36:24"),
    ]


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({}, id="no files"),
        pytest.param({"a.yaml": b""}, id="an empty file"),
        pytest.param({"a.yaml": b"---\n# nothing\n---\n"}, id="empty documents"),
        pytest.param({".git/a.yaml": HOST.encode(), "b.txt": HOST.encode()}, id="nothing of ours"),
        pytest.param({"vm.xml": XML}, id="XML only"),
        pytest.param(
            {"a.yaml": b"apiVersion: reconciler/v1alpha1\nkind: Cluster\nmetadata: {name: a}\n"},
            id="a cluster only",
        ),
    ],
)
def test_an_empty_declaration_is_refused_so_that_it_deletes_nothing(files: dict[str, bytes]) -> None:
    loaded = load(files)
    want = (
        ".:1:1: error[nothing-declared]: nothing is declared here; "
        "write at least one Host, Guest or Resource; nothing is changed or deleted"
    )
    assert (loaded.intent, [str(problem) for problem in loaded.problems]) == (None, [want])


def test_all_problems_of_all_files_show_at_once_in_order() -> None:
    files = {
        "z.yaml": b"a: [",
        "b/c.yml": HOST.replace("local", "lokal").encode(),
        "a.yaml": (resource("a", "state: x") + resource("-b")).encode(),
        "d.yaml": b"\xff\xfe",
    }
    assert [f"{problem.where} {problem.code}" for problem in load(files).problems] == [
        "a.yaml:7:10 bad-value",
        "a.yaml:11:18 bad-name",
        "b/c.yml:4:15 bad-value",
        "d.yaml:1:1 encoding",
        "z.yaml:1:5 syntax",
    ]


def test_warnings_keep_no_declaration_out() -> None:
    text = (
        HOST
        + host("host2", "{agent: {address: b}}")
        + resource("a", "placement: {on: [host1], prefer: {host2: 1}}")
    )
    loaded = load_text(text)
    assert loaded.intent is not None
    assert [problem.severity for problem in loaded.problems] == ["warning"]


def is_sane(loaded: Loaded) -> bool:
    has_errors = any(problem.severity == "error" for problem in loaded.problems)
    assert (loaded.intent is None) is has_errors
    for problem in loaded.problems:
        str(problem).encode()
        assert problem.where.line >= 1
        assert problem.where.column >= 1
    return isinstance(loaded.intent, Intent | None)


@settings(max_examples=30)
@given(st.binary(max_size=60))
def test_any_bytes_give_an_answer(content: bytes) -> None:
    assert is_sane(load({"a.yaml": content}))


# fmt: off
PIECES = st.sampled_from([
    "&a ", "*a", "!!str ", "<<: ", "? ", "- ", "{", "}", "[", "]", ": ", ",", '"', "'", "|", ">", "\\x", "---\n",
    "...\n", "\t", "\n", "  ", " #", "@", "\u2028", "\x85", "\ufeff", "null", ".inf", '"\\U99999999"', "\r", "|9",
    "%YAML 1.1\n", "\ud7ff", "0o7", "\u202e", "kind: Host\n",
])
# fmt: on


@settings(max_examples=30)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_any_pieces_of_yaml_give_an_answer(text: str) -> None:
    assert is_sane(load_text(text))


@settings(max_examples=10)
@given(st.integers(0, len(CONTRACT) - 1), st.integers(0, 5), PIECES)
def test_any_damage_to_a_declaration_gives_an_answer(at: int, length: int, piece: str) -> None:
    assert is_sane(load_text(CONTRACT[:at] + piece + CONTRACT[at + length :]))


NAMES = st.sampled_from(["host1", "HOST1", "g", "vm-g", "a", "b", "h", "nobody"])
ITEMS = st.lists(NAMES, max_size=3).map(", ".join)
LINES = st.one_of(
    st.builds("placement: {{on: [{}], with: [{}], apartFrom: [{}]}}".format, ITEMS, ITEMS, ITEMS),
    st.builds("after: [{}]".format, ITEMS),
    st.builds("placement: {{prefer: {{{}: 5}}, on: {{labels: {{rack: r1}}}}}}".format, NAMES),
    st.builds("remoteNode: {{name: {}}}".format, NAMES),
    st.just("state: stopped"),
    st.sampled_from(["clone: {}", "clone: {name: g}", "clone: {promotable: {}}"]),
    st.builds("placement: {{rules: [{{when: {{nodes: [{}]}}, score: 5}}]}}".format, NAMES),
)
SETS = st.lists(ITEMS.map("{{resources: [{}]}}".format), max_size=2).map(", ".join)
DOCUMENTS = st.one_of(
    st.builds(
        host, NAMES, st.sampled_from(["{}", "{agent: local}", "{agent: {address: a}}"]), st.just("{rack: r1}")
    ),
    st.builds(resource, NAMES, LINES),
    st.builds(group, NAMES, ITEMS.map("[{}]".format), LINES),
    st.builds("{{order: {{sets: [{}]}}}}".format, SETS).map(constraint),
    st.builds("{{colocation: {{sets: [{}]}}}}".format, SETS).map(constraint),
    st.builds(lambda name, node, line: guest(name, line, node=node), NAMES, NAMES, LINES),
    st.builds(lambda name, line: guest(name, "hardware: {rootfs: /a}", line, guest_type="lxc"), NAMES, LINES),
)


@settings(max_examples=20)
@given(st.lists(DOCUMENTS, max_size=6).map("".join))
def test_any_documents_give_an_answer(text: str) -> None:
    loaded = load_text(text)
    assert is_sane(loaded)
    if loaded.intent is not None:
        check_references(loaded.intent)


def check_references(intent: Intent) -> None:
    nodes = {*intent.hosts, *intent.guest_nodes()}
    assert {location.node for location in intent.locations} <= nodes
    mentioned = {c.resource for c in intent.locations}
    mentioned |= {r for c in intent.colocations for r in (c.dependent, c.primary)}
    mentioned |= {r for o in intent.orderings for r in (o.first, o.then)}
    assert mentioned <= {*intent.resources, *intent.collectives}


def test_loading_twice_gives_the_same() -> None:
    assert load_text(CONTRACT) == load_text(CONTRACT)
    assert problems_of(CONTRACT.replace("spec", "spek")) == problems_of(CONTRACT.replace("spec", "spek"))
