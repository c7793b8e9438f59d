from typing import Any

from reconciler.report.text import status_text


def node(name: str, state: str = "online", **fields: Any) -> dict[str, Any]:
    base: dict[str, object] = {
        "name": name,
        "kind": "host",
        "state": state,
        "reason": None,
        "text": "",
        "standby": False,
        "maintenance": False,
        "attributes": {},
        "resource": None,
        "key": None,
        "address": None,
    }
    return {**base, **fields}


def resource(name: str, role: str = "Started", *places: str, **fields: Any) -> dict[str, Any]:
    base = {
        "name": name,
        "agent": "ocf:x:Dummy",
        "role": role,
        "nodes": list(places),
        "instances": [],
        "declared": True,
        "managed": True,
        "failures": 0,
        "problem": None,
    }
    return {**base, **fields}


def document(**fields: Any) -> dict[str, Any]:
    base = {
        "cluster": "shop",
        "source": {
            "commit": "c0ffee" * 6,
            "dirty": False,
            "folder": "/x",
            "revision": "HEAD",
            "refused": None,
        },
        "nodes": [node("host1"), node("guest1", kind="guest", resource="vm-guest1")],
        "resources": [
            resource("vm-guest1", "Started", "host1", agent="guest:lxc"),
            resource("FAKE", "Stopped"),
        ],
        "tickets": [],
        "problems": [],
    }
    return {**base, **fields}


def test_the_root_key_is_known_by_its_fingerprint() -> None:
    head = status_text(document(key_fingerprint="SHA256:abc")).splitlines()[0]
    assert head == "Cluster shop | commit c0ffeec0ffee | root key SHA256:abc"


def test_a_node_says_its_keys_epoch_unless_it_is_the_first() -> None:
    keys: list[dict[str, int | None]] = [
        {"epoch": 0, "in_use": 0},
        {"epoch": 2, "in_use": 2},
        {"epoch": 2, "in_use": 1},
    ]
    keys.append({"epoch": 2, "in_use": None})
    nodes = [node(f"g{number}", key=key) for number, key in enumerate(keys)]
    lines = status_text(document(nodes=nodes)).splitlines()
    assert [line for line in lines if line.startswith("  g")] == [
        "  g0  host   online",
        "  g1  host   online  key epoch 2",
        "  g2  host   online  key epoch 1, to be 2",
        "  g3  host   online",
    ]


def test_status_on_one_screen() -> None:
    assert status_text(document(), ("uncommitted changes are left out",)).splitlines() == [
        "Cluster shop | commit c0ffeec0ffee",
        "note: uncommitted changes are left out",
        "",
        "Nodes:",
        "  host1   host   online",
        "  guest1  guest  online (vm-guest1)",
        "",
        "Resources:",
        "  vm-guest1  guest:lxc    Started host1",
        "  FAKE       ocf:x:Dummy  Stopped",
    ]


def test_a_node_says_that_its_address_is_not_confirmed_and_nothing_of_one_that_is() -> None:
    found = ({"confirmed": True, "text": "52:54 answers"}, {"confirmed": False, "text": "no neighbour"})
    nodes = [node(f"g{number}", address=address) for number, address in enumerate(found)]
    lines = status_text(document(nodes=nodes)).splitlines()
    assert [line for line in lines if line.startswith("  g")] == [
        "  g0  host   online",
        "  g1  host   online  address not confirmed: no neighbour",
    ]


def test_trouble_is_said_where_it_is() -> None:
    failed = [{"node": "n", "role": "Started", "pending": True, "failed": True}]
    got = status_text(
        document(
            source={
                "commit": None,
                "dirty": False,
                "folder": "/x",
                "revision": None,
                "refused": "badc0ffee0000",
            },
            nodes=[
                node("host1", "unclean", reason="lost", text="no answer", standby=True),
                node("host2", "unknown", text="vm: no route to host"),
                node("host3", text="vm: permission denied"),
            ],
            resources=[
                resource("a", "Unknown", "n", "m", instances=failed, failures=3, managed=False),
                resource("old", "Started", "n", declared=False),
            ],
            problems=[
                {"severity": "error", "code": "x", "text": "no node may run it", "address": "resource/a"},
                {"severity": "error", "code": "y", "text": "a.yaml:1:1: error[y]: no", "address": None},
            ],
        )
    )
    assert got.splitlines() == [
        "Cluster shop | the files as they are | badc0ffee000 is refused for its errors",
        "",
        "Nodes:",
        "  host1  host   unclean standby  lost: no answer",
        "  host2  host   unknown  vm: no route to host",
        "  host3  host   online  vm: permission denied",
        "",
        "Resources:",
        "  a    ocf:x:Dummy  Unknown n, m  FAILED pending unmanaged failures: 3",
        "  old  ocf:x:Dummy  Started n  removed",
        "",
        "Problems:",
        "  resource/a: no node may run it",
        "  a.yaml:1:1: error[y]: no",
    ]


def test_an_empty_cluster_has_empty_lists() -> None:
    got = status_text(document(nodes=[], resources=[])).splitlines()
    assert got == ["Cluster shop | commit c0ffeec0ffee", "", "Nodes:", "", "Resources:"]


def test_tickets_have_lines_of_their_own_where_there_are_any() -> None:
    need = {"resource": "FAKE", "role": None, "on_loss": "stop", "file": "a.yaml", "line": 3}
    ticket = {"name": "T", "granted": False, "standby": False, "last_granted": None, "needed_by": [need]}
    lines = status_text(document(tickets=[ticket])).splitlines()
    assert lines[-3:] == ["", "Tickets:", "  T  not granted; needed by FAKE (a.yaml:3)"]
    assert "Tickets:" not in status_text(document())
