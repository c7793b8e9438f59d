import pytest

from tests.load.texts import HOST, guest, host, load_text, problems_of, remote_node, resource

IN_G = "placement: {on: [g]}"


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param(
            host("host1", "{agent: local}") + host("host2", "{agent: local}"),
            [
                "10:8: error[two-local-hosts]: only one host can be the controller's own machine; "
                "host1 is that machine already; write agent: {address: ...}"
            ],
            id="two local hosts",
        ),
        pytest.param(
            guest("vm-g", node="g"),
            [
                "6:3: error[no-host]: vm-g has no host: type process runs on the controller's own machine only; "
                "write agent: local for the host that is this machine"
            ],
            id="a process without any host",
        ),
        pytest.param(
            HOST
            + host("host2", "{agent: {address: a}}")
            + guest("vm-g", "placement: {on: [host1, host2]}", node="g"),
            [
                "17:27: error[not-local]: host2 is not the controller's own machine, and vm-g is of type process; "
                "name the host with agent: local"
            ],
            id="a process on another host",
        ),
        pytest.param(
            HOST + host("host2", "{}") + guest("vm-g", "placement: {on: [host2]}", node="g"),
            [
                "17:15: error[no-host]: vm-g has no host: type process runs on the controller's own machine only; "
                "write agent: local for the host that is this machine",
                "17:20: error[not-local]: host2 is not the controller's own machine, and vm-g is of type process; "
                "name the host with agent: local",
            ],
            id="a process on another host only",
        ),
        pytest.param(
            host("host1", '{libvirt: {lxc: "lxc:///"}}')
            + host("host2")
            + guest("g", "hardware: {rootfs: /a}", "placement: {on: [host2]}", guest_type="lxc")
            + guest("h", "hardware: {disks: [{path: /a}]}", guest_type="vm"),
            [
                "18:15: error[no-host]: no host that g may run on has a libvirt URI for type lxc; "
                "add libvirt: {lxc: URI} to a host",
                "24:3: error[no-host]: no host that h may run on has a libvirt URI for type vm; "
                "add libvirt: {vm: URI} to a host",
            ],
            id="no hypervisor",
        ),
        pytest.param(
            HOST
            + guest(
                "g", "hardware: {rootfs: /a}", "placement: {prefer: {host1: -INFINITY}}", guest_type="lxc"
            ),
            [
                "10:3: error[no-host]: no host that g may run on has a libvirt URI for type lxc; "
                "add libvirt: {lxc: URI} to a host"
            ],
            id="the only host is banned",
        ),
        pytest.param(
            HOST + host("host2") + resource("a", "placement: {on: [host2]}"),
            [
                "16:15: error[no-agent]: none of the hosts that a may run on has an agent; "
                "add agent: to a host, or name nodes that have one"
            ],
            id="a resource on a host without an agent",
        ),
        pytest.param(
            HOST + guest("vm-g", node="g") + guest("vm-h", "placement: {on: [g], prefer: {g: 5}}", node="h"),
            [
                "19:20: error[guest-in-guest]: g is a guest node, which can't run the guest vm-h; guests run on hosts",
                "19:33: error[guest-in-guest]: g is a guest node, which can't run the guest vm-h; guests run on hosts",
            ],
            id="a guest in a guest",
        ),
        pytest.param(
            HOST + remote_node("r") + guest("vm-h", "placement: {on: [r]}", node="h"),
            [
                "17:20: error[guest-in-guest]: r is a remote node, which can't run the guest vm-h; guests run on hosts"
            ],
            id="a guest on a remote node",
        ),
        pytest.param(
            host("h", "{agent: {address: b, keyFile: /k}}") + remote_node("r", "{address: B, keyFile: /k}"),
            [
                "5:37: error[shared-key]: /k is the key of r too, so that one stolen guest opens all; "
                "give each a key of its own, or write keyFileShared: true",
                "10:8: error[same-address]: the agent of r has the address and port of h, b:3121; "
                "give each node another address or port",
                "10:29: error[shared-key]: /k is the key of h too, so that one stolen guest opens all; "
                "give each a key of its own, or write keyFileShared: true",
            ],
            id="a remote node with the address and key of a host",
        ),
        pytest.param(
            HOST + remote_node("r") + resource("r"),
            [
                '13:18: error[duplicate-name]: the name "r" is given twice; '
                "there is a remote node of this name at a.yaml:8:18"
            ],
            id="a remote node and a resource of one name",
        ),
        pytest.param(
            HOST
            + guest("vm-g", "remoteNode: {name: g, port: 43121}")
            + guest("vm-h", "remoteNode: {name: h, port: 43121}")
            + host("host2", "{agent: {address: 127.0.0.1, port: 43121}}"),
            [
                "11:25: error[same-address]: the agent of g has the address and port of host2, 127.0.0.1:43121; "
                "give each node another address or port",
                "18:25: error[same-address]: the agent of h has the address and port of host2, 127.0.0.1:43121; "
                "give each node another address or port",
            ],
            id="one address for three",
        ),
        pytest.param(
            HOST
            + guest("vm-g", "remoteNode: {name: g, keyFile: /k}")
            + guest("vm-h", "remoteNode: {name: h, port: 1, keyFile: /k, keyFileShared: true}")
            + host("host2", "{agent: {address: b, keyFile: /k}}"),
            [
                "11:34: error[shared-key]: /k is the key of host2, vm-h too, so that one stolen guest opens all; "
                "give each a key of its own, or write keyFileShared: true",
                "23:37: error[shared-key]: /k is the key of vm-g, vm-h too, so that one stolen guest opens all; "
                "give each a key of its own, or write keyFileShared: true",
            ],
            id="one key for three",
        ),
        pytest.param(
            HOST
            + guest("vm-g", "remoteNode: {name: g, keyFile: /k, keyFileShared: true}")
            + guest("vm-h", "remoteNode: {name: h, port: 1, keyFile: /k, keyFileShared: true}"),
            [],
            id="one key for two that say so",
        ),
        pytest.param(
            HOST + guest("vm-g", node="g") + resource("a", IN_G, "after: [vm-g]"),
            [
                "19:11: error[own-guest]: a can run in the guest vm-g only; "
                "remove it: the guest is started before, and stopped after, what runs in it"
            ],
            id="after its own guest",
        ),
        pytest.param(
            HOST + guest("vm-g", node="g") + resource("a", "placement: {on: [g], with: [vm-g]}"),
            [
                "18:31: error[own-guest]: a can run in the guest vm-g only, and is not placed beside it; remove it"
            ],
            id="with its own guest",
        ),
        pytest.param(
            HOST + guest("vm-g", "after: [a]", "placement: {apartFrom: [a]}", node="g") + resource("a", IN_G),
            [
                "12:11: error[own-guest]: vm-g can't wait for a, which can run in this guest only; remove it",
                "13:27: error[own-guest]: a can run in the guest vm-g only, and is not placed beside it; remove it",
            ],
            id="a guest after what runs in it",
        ),
        pytest.param(
            HOST
            + guest("vm-g", node="g")
            + resource("a", "after: [vm-g]", "placement: {prefer: {g: INFINITY}}"),
            [],
            id="after a guest that it only prefers",
        ),
        pytest.param(
            HOST + guest("vm-g", "after: [b]", node="g") + resource("a", IN_G) + resource("b", "after: [a]"),
            [
                "26:11: error[order-cycle]: a → b → vm-g → a is a cycle: none of them could ever start; "
                "remove one of these orderings"
            ],
            id="a cycle through a guest",
        ),
        pytest.param(
            HOST + resource("a", "after: [c]") + resource("b", "after: [a]") + resource("c", "after: [b]"),
            [
                "25:11: error[order-cycle]: a → b → c → a is a cycle: none of them could ever start; "
                "remove one of these orderings"
            ],
            id="a cycle",
        ),
        pytest.param(
            HOST + "".join(resource(f"{x}{n}", f"after: [{x}{1 - n}]") for x in "ab" for n in (0, 1)),
            [
                "18:11: error[order-cycle]: a0 → a1 → a0 is a cycle: none of them could ever start; "
                "remove one of these orderings",
                "32:11: error[order-cycle]: b0 → b1 → b0 is a cycle: none of them could ever start; "
                "remove one of these orderings",
            ],
            id="two cycles",
        ),
        pytest.param(
            HOST
            + resource("a", "after: [{resource: b, kind: serialize}]")
            + resource("b", "after: [{resource: a, kind: serialize}, {resource: a, action: stop}]"),
            [],
            id="what has no direction makes no cycle",
        ),
    ],
)
def test_an_intent_as_a_whole(text: str, want: list[str]) -> None:
    assert problems_of(text) == want


def test_a_long_chain_is_no_problem() -> None:
    text = HOST + resource("r0") + "".join(resource(f"r{n}", f"after: [r{n - 1}]") for n in range(1, 30))
    assert load_text(text).problems == ()
