import pytest

from tests.load.texts import HOST, guest, host, problems_of, resource


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param(
            "metadata: {name: a}\n",
            [
                "1:1: error[missing-field]: apiVersion is missing; write apiVersion: reconciler/v1alpha1",
                "1:1: error[missing-field]: kind is missing; write kind: and one of Cluster, Host, RemoteNode, Guest, "
                "Resource, Group, Bundle, Constraint",
            ],
            id="neither version nor kind",
        ),
        pytest.param(
            HOST.replace("v1alpha1", "v1"),
            [
                '1:13: error[bad-version]: "reconciler/v1" is no version of this schema; write reconciler/v1alpha1'
            ],
            id="another version",
        ),
        pytest.param(
            HOST.replace("Host", "host"),
            ['2:7: error[unknown-kind]: there is no kind "host"; did you mean Host?'],
            id="kind in another spelling",
        ),
        pytest.param(
            HOST.replace("Host", "Deployment"),
            [
                '2:7: error[unknown-kind]: there is no kind "Deployment"; known are Bundle, Cluster, Constraint, '
                "Group, Guest, Host, RemoteNode, Resource"
            ],
            id="kind of another tool",
        ),
        pytest.param(
            HOST.replace("Host", "Secret"),
            ["2:7: error[not-supported]: kind Secret is not supported yet"],
            id="kind that comes later",
        ),
        pytest.param(
            HOST.replace("Host", "[Host]"),
            ["2:7: error[wrong-type]: kind must be text, not a list"],
            id="a list of kinds",
        ),
        pytest.param(
            "apiVersion: reconciler/v1alpha1\nkind: Resource\nmetadata: {}\n",
            [
                "1:1: error[missing-field]: spec is missing",
                "3:1: error[missing-field]: metadata.name is missing",
            ],
            id="missing fields",
        ),
        pytest.param(
            HOST + "status: {}\n",
            [
                '5:1: error[unknown-field]: there is no field "status" in this document; '
                "known are apiVersion, kind, metadata, spec"
            ],
            id="unknown field of a document",
        ),
        pytest.param(
            resource("a", "op: {moniter: {interval: 1s}, monitor: {intervall: 1s}}"),
            [
                '7:8: error[unknown-field]: there is no field "moniter" in spec.op; did you mean monitor?',
                '7:43: error[unknown-field]: there is no field "intervall" in spec.op.monitor; did you mean interval?',
            ],
            id="unknown fields, one below a map or list",
        ),
        pytest.param(
            resource("a", "op:", "  monitor:", "  - {intervall: 1s}"),
            [
                '9:8: error[unknown-field]: there is no field "intervall" in spec.op.monitor[0]; '
                "did you mean interval?"
            ],
            id="unknown field in a list",
        ),
        pytest.param(
            resource(
                "a", "migration-threshold: 3", "target-role: Stopped", "remote-node: guest1", "on-fail: stop"
            ),
            [
                '7:3: error[unknown-field]: there is no field "migration-threshold" in spec; '
                "did you mean failureLimit?",
                '8:3: error[unknown-field]: there is no field "target-role" in spec; did you mean state?',
                '9:3: error[unknown-field]: there is no field "remote-node" in spec; did you mean remoteNode?',
                '10:3: error[unknown-field]: there is no field "on-fail" in spec; known are after, agent, '
                "allowMigration, allowUnhealthy, clone, container, critical, failureLimit, failureTimeout, "
                "maintenance, managed, multipleActive, needs, op, overrides, params, placement, priority, rank, "
                "remoteNode, requires, startFailureIsFatal, state, stickiness, tickets",
            ],
            id="Pacemaker's names",
        ),
        pytest.param(
            resource("a").replace("name: a", "name: a, renamedFrom: b"),
            [
                "4:21: error[not-supported]: metadata.renamedFrom is not supported yet",
            ],
            id="fields that come later",
        ),
        pytest.param(
            guest("g", node="n").replace("{name: g}", "{name: g, labels: {a: b}}"),
            [
                "4:21: error[unknown-field]: only hosts have labels here; "
                "labels of a guest's node stand in spec.remoteNode.labels"
            ],
            id="labels at the wrong place",
        ),
        pytest.param(
            resource(
                "a", "params: 5", "after: b", "op: [x]", "managed: yes", "rank: '1'", "placement: {on: host1}"
            ),
            [
                "7:11: error[wrong-type]: spec.params must be a map, not the number 5",
                "8:10: error[wrong-type]: spec.after must be a list, not text",
                "9:7: error[wrong-type]: spec.op must be a map, not a list",
                "10:12: error[wrong-type]: spec.managed must be true or false, not text",
                "11:9: error[wrong-type]: spec.rank must be a whole number, not text",
                "12:19: error[wrong-type]: spec.placement.on must be a map or a list, not text",
            ],
            id="wrong types",
        ),
        pytest.param(
            host("a", "{agent: 5, libvirt: {vm: 1}}", "{rack: 1, x: true}"),
            [
                '4:36: error[wrong-type]: metadata.labels.rack must be text, not the number 1; quote it: "1"',
                '4:42: error[wrong-type]: metadata.labels.x must be text, not true; quote it: "true"',
                "5:15: error[wrong-type]: spec.agent must be a map or text, not the number 5",
                '5:32: error[wrong-type]: spec.libvirt.vm must be text, not the number 1; quote it: "1"',
            ],
            id="text that must be quoted",
        ),
        pytest.param(
            resource("a", "state: Running", "op: {start: {onFail: explode}}"),
            [
                '7:10: error[bad-value]: spec.state: "Running" is not possible; write running, stopped or unpromoted',
                '8:24: error[bad-value]: spec.op.start.onFail: "explode" is not possible; write ignore, '
                "demote, restart, restart-container, reset-remote, ban, block, stop, standby or fence",
            ],
            id="choices",
        ),
        pytest.param(
            host("a", "{agent: {port: 70000}, libvirt: {vm: system}, capacity: {x: 64G}}"),
            [
                "5:8: error[missing-field]: spec.agent.address is missing",
                "5:22: error[bad-value]: spec.agent.port: 70000 is too large; at most 65535",
                '5:44: error[bad-value]: spec.libvirt.vm: "system" has characters that can\'t stand here; '
                "it must match ^[a-z][a-z0-9+.-]*://",
                '5:67: error[bad-value]: spec.capacity.x: "64G" is not an amount; '
                "write a whole number, or a size such as 64Gi",
            ],
            id="limits",
        ),
        pytest.param(
            resource("a", "placement: {on: []}") + resource("b", "placement: {on: {labels: {}}}"),
            [
                "7:19: error[bad-value]: spec.placement.on: this is empty; write something, or remove it",
                "14:28: error[bad-value]: spec.placement.on.labels: this is empty; write something, or remove it",
            ],
            id="on selects nothing at all",
        ),
        pytest.param(
            resource(
                "a", "placement: {prefer: {x: 2000000, y: '5', z: true}, with: [{resource: a, score: x}]}"
            ),
            [
                "7:27: error[bad-score]: spec.placement.prefer.x: 2000000 is beyond INFINITY, which is 1000000; "
                "write a whole number, INFINITY or -INFINITY",
                '7:39: error[bad-score]: spec.placement.prefer.y: "5" is not a score; '
                "write a whole number, INFINITY or -INFINITY",
                "7:47: error[bad-score]: spec.placement.prefer.z: true is not a score; "
                "write a whole number, INFINITY or -INFINITY",
                '7:82: error[bad-score]: spec.placement.with[0].score: "x" is not a score; '
                "write a whole number, INFINITY or -INFINITY",
            ],
            id="scores",
        ),
        pytest.param(
            resource("a", "op: {start: {timeout: 30}, stop: {timeout: 0s}, monitor: {interval: 10}}"),
            [
                "7:25: error[no-unit]: spec.op.start.timeout: 30 is a duration without a unit; write 30s or 30ms",
                "7:46: error[bad-duration]: spec.op.stop.timeout: 0s is no time at all; it must be above 0",
                "7:71: error[no-unit]: spec.op.monitor.interval: 10 is a duration without a unit; write 10s or 10ms",
            ],
            id="durations",
        ),
    ],
)
def test_shapes(text: str, want: list[str]) -> None:
    got = [
        problem
        for problem in problems_of(text)
        if "unknown-node" not in problem and "unknown-res" not in problem
    ]
    assert got == want


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ('"-a"', ['4:18: error[bad-name]: metadata.name: "-a" is not a legal name; '
                  "letters, digits, _ . and -, beginning with a letter, a digit or _"]),
        ('"a b"', ['4:18: error[bad-name]: metadata.name: "a b" is not a legal name; '
                   "letters, digits, _ . and -, beginning with a letter, a digit or _"]),
        ('"a\\n"', ['4:18: error[bad-name]: metadata.name: "a\n" is not a legal name; '
                    "letters, digits, _ . and -, beginning with a letter, a digit or _"]),
        ("ä", ['4:18: error[bad-name]: metadata.name: "ä" is not a legal name; '
               "letters, digits, _ . and -, beginning with a letter, a digit or _"]),
        ("a" * 129, ["4:18: error[bad-name]: metadata.name: this name is too long; at most 128 characters"]),
        ("1", ['4:18: error[wrong-type]: metadata.name must be text, not the number 1; quote it: "1"']),
        ('"1"', []),
        ("a.b-c_D", []),
    ],
)  # fmt: skip
def test_names(name: str, want: list[str]) -> None:
    assert problems_of(resource(name)) == want


@pytest.mark.parametrize(
    ("agent", "want"),
    [
        ("ocf:heartbeat:Dummy", None),
        ('"ocf:reconciler:Process"', None),
        ("systemd:postgresql@17-main.service", None),
        ('"systemd:dev-disk\\\\x2did.device"', None),
        ("lsb:nginx", None),
        ("service:nginx", None),
        ("Dummy", 'bad-agent]: spec.agent: "Dummy" names no standard of resource agents; '
                  "write ocf:PROVIDER:TYPE, systemd:UNIT, lsb:NAME, service:NAME or stonith:NAME"),
        ("ocf:Dummy", 'bad-agent]: spec.agent: "ocf:Dummy" is no OCF resource agent; '
                      "write its provider, such as ocf:heartbeat:Dummy"),
        ("ocf:a:b:c", 'bad-agent]: spec.agent: "ocf:a:b:c" is no OCF resource agent; '
                      "write ocf:PROVIDER:TYPE, systemd:UNIT, lsb:NAME, service:NAME or stonith:NAME"),
        ("ocf:a:../b", 'bad-agent]: spec.agent: "ocf:a:../b" is no OCF resource agent; '
                       "write ocf:PROVIDER:TYPE, systemd:UNIT, lsb:NAME, service:NAME or stonith:NAME"),
        ('"systemd:"', 'bad-agent]: spec.agent: "systemd:" does not name a systemd service; '
                       "write ocf:PROVIDER:TYPE, systemd:UNIT, lsb:NAME, service:NAME or stonith:NAME"),
        ("stonith:fence_ipmilan", None),
        ("stonith:external/ipmi", None),
        ("stonith:other/ipmi", 'bad-agent]: spec.agent: "stonith:other/ipmi" does not name a stonith service; '
                               "write ocf:PROVIDER:TYPE, systemd:UNIT, lsb:NAME, service:NAME or stonith:NAME"),
        ("7", 'wrong-type]: spec.agent must be text, not the number 7; quote it: "7"'),
    ],
)  # fmt: skip
def test_resource_agents(agent: str, want: str | None) -> None:
    found = [problem for problem in problems_of(resource("a", agent=agent)) if "[not-yet]" not in problem]
    assert found == ([] if want is None else [f"6:10: error[{want}"])


@pytest.mark.parametrize(
    ("written", "want"),
    [
        ("text", None),
        ("17", None),
        ("-1", None),
        ("true", None),
        ('"0755"', None),
        ('""', None),
        ("yes", None),
        ("0755", 'ambiguous]: 0755 is a number with leading zeros, which programs read differently; quote it: "0755"'),
        ("1.10", 'float]: 1.10 would be read as a floating-point number; quote it: "1.10"'),
        ("1e400", 'float]: 1e400 would be read as a floating-point number; quote it: "1e400"'),
        (".nan", 'float]: .nan would be read as a floating-point number; quote it: ".nan"'),
        ("~", 'null]: ~ is YAML for no value; remove the line, or write "" for an empty text'),
        ("null", 'null]: null is YAML for no value; quote it ("null") or remove it'),
        ("True", 'ambiguous]: True is another spelling of true; write true, or quote it: "True"'),
        ("[a]", "bad-param]: spec.params.p: a list is no value for a parameter; quote it if it is meant as text"),
        ("{a: b}", "bad-param]: spec.params.p: a map is no value for a parameter; quote it if it is meant as text"),
        ("{secretRef: x, key: y}", "not-supported]: spec.params.p: secretRef is not supported yet; "
                                   "let the resource agent read the secret from a file on the node"),
    ],
)  # fmt: skip
def test_params(written: str, want: str | None) -> None:
    got = problems_of(resource("a", f"params: {{p: {written}}}"))
    assert got == ([] if want is None else [f"7:15: error[{want}"])


def test_names_of_params_are_checked_at_their_place() -> None:
    want = [
        '7:12: error[bad-value]: spec.params.a b: "a b" has characters that can\'t stand here; '
        "it must match ^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
    ]
    assert problems_of(resource("a", "params: {a b: 1}")) == want


def test_what_was_refused_by_yaml_is_not_refused_again_by_the_schema() -> None:
    want = [
        '7:3: error[null]: there is no value here; remove the line, or write "" for an empty text',
        '8:14: error[float]: 1.5 would be read as a floating-point number; quote it: "1.5"',
        "9:3: error[merge-key]: << merges maps in ways that readers do not see; write the fields out",
    ]
    assert (
        problems_of(
            resource("a", "params:", "priority:  1.5", "<<: {rank: x}").replace("params:", "params: ")
        )
        == want
    )
