"""Each feature of Pacemaker's scheduler has a field, described with Pacemaker's name, a line in README, and an example.

That each field stands in an example is `test_policy.py`'s to say.
"""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHAPES = json.loads((ROOT / "schemas" / "reconciler-v1alpha1.json").read_text())["$defs"]
README = (ROOT / "README.md").read_text()

FEATURES = {
    "group": ("GroupSpec.members", "group", "members"),
    "anonymous clone": ("ResourceSpec.clone", "clone", "clone"),
    "interleave": ("Clone.interleave", "interleave", "interleave"),
    "ordered": ("Clone.ordered", "ordered", "clone"),
    "clone-min": ("Clone.min", "clone-min", "min"),
    "clone-max": ("Clone.max", "clone-max", "max"),
    "clone-node-max": ("Clone.nodeMax", "clone-node-max", "clone"),
    "globally-unique": ("Clone.unique", "globally-unique", "clone"),
    "notifications": ("Clone.notify", "notify", "clone"),
    "promotable": ("Clone.promotable", "promotable", "promotable"),
    "promoted-max": ("Promotable.max", "promoted-max", "promotable"),
    "promoted-node-max": ("Promotable.nodeMax", "promoted-node-max", "promotable"),
    "location": ("Placement.prefer", "rsc_location", "prefer"),
    "location with rules": ("Placement.rules", "rsc_location", "rules"),
    "rule: score-attribute": ("Rule.scoreFrom", "score-attribute", "rules"),
    "rule: date": ("Condition.date", "date_expression", "date"),
    "rule: attribute": ("Condition.attribute", "#uname", "attribute"),
    "resource-discovery": ("Rule.discovery", "resource-discovery", "rules"),
    "resource-discovery exclusive": ("Placement.on", "resource-discovery=exclusive", "on"),
    "colocation": ("Placement.with", "rsc_colocation", "with"),
    "anti-colocation": ("Placement.apartFrom", "", "apartFrom"),
    "colocation: roles": ("WithItem.role", "with-rsc-role", "with"),
    "colocation: influence": ("WithItem.influence", "influence", "with"),
    "colocation: node-attribute": ("WithItem.same", "node-attribute", "with"),
    "ordering": ("ResourceSpec.after", "rsc_order", "after"),
    "ordering: kind": ("AfterItem.kind", "kind", "kind"),
    "ordering: symmetrical": ("AfterItem.symmetrical", "symmetrical", "symmetrical"),
    "ordering: actions": ("AfterItem.action", "first-action", "thenAction"),
    "ordering: require-all": ("AfterItem.requireAll", "require-all", "after"),
    "resource sets": ("OrderOfSets.sets", "", "sets"),
    "resource sets: sequential": ("OrderedSet.sequential", "sequential", "sets"),
    "resource sets of colocations": ("ColocationOfSets.sets", "", "sets"),
    "tickets": ("ResourceSpec.tickets", "rsc_ticket", "tickets"),
    "tickets: role": ("TicketItem.role", "rsc-role", "tickets"),
    "tickets: loss policy": ("TicketItem.onLoss", "loss-policy", "onLoss"),
    "stickiness": ("ResourceSpec.stickiness", "resource-stickiness", "stickiness"),
    "priority": ("ResourceSpec.priority", "priority", "priority"),
    "migration-threshold": ("ResourceSpec.failureLimit", "migration-threshold", "failureLimit"),
    "failure-timeout": ("ResourceSpec.failureTimeout", "failure-timeout", "failureTimeout"),
    "start-failure-is-fatal": ("ResourceSpec.startFailureIsFatal", "start-failure-is-fatal", "startFailureIsFatal"),
    "on-fail": ("Operation.onFail", "on-fail", "onFail"),
    "on-fail of monitors": ("Monitor.onFail", "on-fail", "onFail"),
    "multiple-active": ("ResourceSpec.multipleActive", "multiple-active", "multipleActive"),
    "probes": ("Operations.probe", "monitor with interval 0", "op"),
    "probes at first": ("ClusterSpec.searched", "enable-startup-probes", "searched"),
    "probes of one node": ("GuestNode.searched", "resource-discovery-enabled", "searched"),
    "standby, maintenance of a node": ("HostSpec.state", "attributes", "state"),
    "maintenance of a resource": ("ResourceSpec.maintenance", "maintenance", "maintenance"),
    "maintenance of the cluster": ("ClusterSpec.maintenance", "maintenance-mode", "maintenance"),
    "stop-all-resources": ("ClusterSpec.stopAll", "stop-all-resources", "stopAll"),
    "unmanaged": ("ResourceSpec.managed", "is-managed", "managed"),
    "target-role": ("ResourceSpec.state", "target-role", "state"),
    "critical": ("ResourceSpec.critical", "critical", "critical"),
    "symmetric or opt-in": ("ClusterSpec.symmetric", "symmetric-cluster", "symmetric"),
    "quorum policies": ("ClusterSpec.onQuorumLoss", "no-quorum-policy", "onQuorumLoss"),
    "stop-removed-resources": ("ClusterSpec.stopRemoved", "stop-removed-resources", ""),
    "cancel-removed-actions": ("ClusterSpec.cancelRemoved", "cancel-removed-actions", ""),
    "utilization": ("ResourceSpec.needs", "utilization", "needs"),
    "capacity": ("HostSpec.capacity", "utilization", "capacity"),
    "placement strategies": ("ClusterSpec.placementStrategy", "placement-strategy", "placementStrategy"),
    "live migration": ("ResourceSpec.allowMigration", "allow-migrate", "allowMigration"),
    "live migration: operations": ("Operations.migrateTo", "migrate_to", "op"),
    "fencing devices": ("ResourceSpec.agent", "", "stonith:NAME"),
    "fencing": ("ClusterSpec.fencing", "", "fencing"),
    "fencing-enabled": ("ClusterFencing.enabled", "fencing-enabled", "fencing"),
    "fencing-action": ("ClusterFencing.action", "fencing-action", "fencing"),
    "fencing: concurrent": ("ClusterFencing.parallel", "concurrent-fencing", "fencing"),
    "fencing: priority delay": ("ClusterFencing.priorityDelay", "priority-fencing-delay", "fencing"),
    "fencing topology of a node": ("HostFencing.levels", "fencing-level", "fencing.levels"),
    "fencing topology of many nodes": ("ClusterFencing.nodes", "fencing-topology", "fencing.nodes"),
    "unfencing": ("ResourceSpec.requires", "requires", "requires"),
    "node health": ("HostSpec.health", "#health-", "health"),
    "node health strategies": ("ClusterHealth.strategy", "node-health-strategy", "health"),
    "allow-unhealthy-nodes": ("ResourceSpec.allowUnhealthy", "allow-unhealthy-nodes", "allowUnhealthy"),
    "guest nodes": ("GuestNode.name", "remote-node", "remoteNode"),
    "remote nodes": ("RemoteNodeSpec.address", "server", "RemoteNode"),
    "container": ("ResourceSpec.container", "container", "container"),
    "bundle": ("BundleDocument.spec", "bundle", "Bundle"),
    "bundle: launcher": ("BundleSpec.launcher", "docker, podman, rkt", ""),
    "bundle: image": ("BundleSpec.image", "image", ""),
    "bundle: replicas": ("BundleSpec.replicas", "replicas", "replicas"),
    "bundle: replicas-per-host": ("BundleSpec.replicasPerHost", "replicas-per-host", "replicas"),
    "bundle: promoted-max": ("BundlePromotion.max", "promoted-max", "promotable"),
    "bundle: container-attribute-target": ("BundlePromotion.ratedBy", "container-attribute-target", ""),
    "bundle: run-command": ("BundleSpec.runCommand", "run-command", ""),
    "bundle: options": ("BundleSpec.options", "options", ""),
    "bundle: primitive": ("BundleSpec.resource", "primitive", "resource"),
    "bundle: network": ("BundleNetwork.name", "network", "network"),
    "bundle: ip-range-start": ("BundleNetwork.ipRangeStart", "ip-range-start", "ipRangeStart"),
    "bundle: host-interface": ("BundleNetwork.hostInterface", "host-interface", ""),
    "bundle: host-netmask": ("BundleNetwork.hostNetmask", "host-netmask", ""),
    "bundle: control-port": ("BundleNetwork.controlPort", "control-port", "controlPort"),
    "bundle: add-host": ("BundleNetwork.addHost", "add-host", ""),
    "bundle: port-mapping": ("PortMapping.port", "port-mapping", "network"),
    "bundle: internal-port": ("PortMapping.internalPort", "internal-port", ""),
    "bundle: range": ("PortMapping.range", "range", ""),
    "bundle: storage-mapping": ("StorageMapping.target", "storage-mapping", "storage"),
    "bundle: source-dir": ("StorageMapping.source", "source-dir", ""),
    "bundle: source-dir-root": ("StorageMapping.sourceRoot", "source-dir-root", ""),
    "rsc_defaults": ("Defaults.resource", "", "rsc_defaults"),
    "op_defaults": ("Defaults.operations", "", "op_defaults"),
    "settings with rules": ("ResourceSpec.overrides", "", "overrides"),
    "node attributes with rules": ("HostSpec.overrides", "", "overrides"),
    "cluster options with rules": ("ClusterSpec.overrides", "", "overrides"),
}  # fmt: skip
"""The field, Pacemaker's name in its description, and a word that stands as code in README; empty: none is needed."""

VALUES = {
    "Operation.onFail": {
        "ignore", "demote", "restart", "restart-container", "reset-remote", "ban", "block", "stop", "standby", "fence",
    },
    "ResourceSpec.requires": {"nothing", "quorum", "fencing", "unfencing"},
    "ResourceSpec.multipleActive": {"restart", "stop", "block"},
    "ClusterSpec.onQuorumLoss": {"ignore", "stop", "freeze", "demote", "fence"},
    "ClusterSpec.placementStrategy": {"default", "utilization", "minimal", "balanced"},
    "ClusterHealth.strategy": {"none", "migrate-on-red", "only-green", "progressive", "custom"},
    "AfterItem.kind": {"mandatory", "optional", "serialize"},
    "TicketItem.onLoss": {"stop", "demote", "fence", "freeze"},
    "HostSpec.state": {"online", "standby", "maintenance"},
    "BundleSpec.launcher": {"docker", "podman", "rkt"},
    "Rule.discovery": {"always", "never", "exclusive"},
}  # fmt: skip

WITHOUT_A_FIELD = {
    "cib-bootstrap-options": "an id", "have-quorum": "observed", "no-quorum-panic": "observed",
    "node-pending-timeout": "how a member of Pacemaker's cluster is judged that has not joined",
    "startup-fencing": "how a member is judged that was never heard of",
    "shutdown-lock": "kept for members that shut down; import writes those that there are",
    "shutdown-lock-limit": "likewise",
    "stop-orphan-actions": "an old name", "stop-orphan-resources": "an old name",
    "master-max": "an old name", "master-node-max": "an old name",
}  # fmt: skip
"""What is read of a CIB's options and meta-attributes and is no field, and why."""

READERS = ("bundles", "collectives", "operation_settings", "options", "overrides", "resources")


def described(field: str) -> str:
    part, name = field.split(".")
    text = str(SHAPES[part]["properties"][name].get("description", ""))
    return f"{text} {SHAPES[part].get('description', '')}"


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_has_a_field_with_the_name_that_pacemaker_gives_it(feature: str) -> None:
    field, name, word = FEATURES[feature]
    assert name in described(field)
    assert not word or re.search(rf"`[^`\n]*\b{re.escape(word)}\b[^`\n]*`|\b{word}\b", README)


@pytest.mark.parametrize("field", VALUES)
def test_a_field_takes_every_value_that_the_planner_knows(field: str) -> None:
    part, name = field.split(".")
    shape = SHAPES[part]["properties"][name]
    shape = SHAPES[shape["$ref"].rpartition("/")[2]] if "$ref" in shape else shape
    assert set(shape["enum"]) == VALUES[field]


def test_what_is_read_of_a_cib_is_named_where_a_field_is_described() -> None:
    texts = [
        described(f"{part}.{name}") for part, shape in SHAPES.items() for name in shape.get("properties", {})
    ]
    named = {word for text in texts for word in re.findall(r"[a-z]+(?:-[a-z]+)+", text)}
    read = set()
    for module in READERS:
        tree = ast.parse((ROOT / "reconciler" / "pacemaker" / f"{module}.py").read_text())
        texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        read |= {text for text in texts if re.fullmatch(r"[a-z]+(-[a-z]+)+", text)}
    assert sorted(read - named) == sorted(WITHOUT_A_FIELD)
