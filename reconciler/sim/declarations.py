"""Random declarations, and the commits that change them; as the text that a user would write.

It knows nothing of what runs.
"""

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.load.load import load
from reconciler.model.intent import Intent
from reconciler.sim.chance import Chance
from reconciler.sim.faults import Faults

API = "reconciler/v1alpha1"

Document = dict[str, Any]
Documents = dict[str, Document]
"""By name."""


class Declarations:
    """What users ask for, commit by commit."""

    def __init__(self, chance: Chance, faults: Faults) -> None:
        self._chance = chance
        self._faults = faults
        self._made = 0
        self.documents: Documents = {}
        self.intent = self._begin()

    @property
    def files(self) -> Mapping[str, bytes]:
        """Return the present declaration, a file for each document."""
        return _files(self.documents)

    def change(self) -> bool:
        """Change something; return whether anything could be changed."""
        for _ in range(10):
            changed = copy.deepcopy(self.documents)
            for change in self._chance.some(self._changes(), 1, 2):
                change(changed)
            _prune(changed)
            loaded = load(_files(changed))
            if loaded.intent is not None and changed != self.documents:
                self.documents, self.intent = changed, loaded.intent
                return True
        return False

    def spoiled(self) -> Mapping[str, bytes]:
        """Return files that must not be followed."""
        files = dict(self.files)
        match self._chance.integer(0, 3):
            case 0:
                return {}
            case 1:
                files["broken.yaml"] = b"kind: [unclosed"
            case 2:
                files["unknown.yaml"] = _text(_resource("extra", {"agent": "ocf:heartbeat:Dummy", "typo": 1}))
            case _:
                return dict.fromkeys(files, b"")
        return files

    def _begin(self) -> Intent:
        chance = self._chance
        self.documents["sim"] = _document("Cluster", "sim", {"safety": {"maxDestroy": chance.integer(0, 3)}})
        for index in range(chance.integer(1, 4)):
            self._add_host(self.documents, f"host{index + 1}")
        if self._faults.has_remote_nodes:
            for index in range(chance.integer(1, 3)):
                self._add_machine(self.documents, f"machine{index + 1}")
        for _ in range(chance.integer(0, 4)):
            self._add_guest(self.documents)
        for _ in range(chance.integer(1, 6)):
            without = dict(self.documents)
            self._add_resource(self.documents)
            if load(self.files).intent is None:
                # What it is to be with, and may not be, is found by chance now and then, and refused.
                self.documents = without
        loaded = load(self.files)
        assert loaded.intent is not None, f"a declaration of ours is no good: {loaded.problems}"
        return loaded.intent

    def _changes(self) -> list[Callable[[Documents], None]]:
        return [
            self._add_guest,
            self._add_resource,
            self._add_resource,
            self._remove,
            self._remove,
            self._change_params,
            self._change_params,
            self._change_placement,
            self._change_placement,
            self._change_order,
            self._toggle_state,
            self._toggle_state,
            self._change_host,
            self._toggle_managed,
            *[self._change_placement] * (10 if self._faults.has_migrations else 0),
        ]

    def _add_host(self, documents: Documents, name: str) -> None:
        spec: Document = {"libvirt": {"lxc": "lxc:///system", "vm": "qemu:///system"}}
        if self._chance.happens(0.85) or name == "host1":
            spec["agent"] = {"address": f"{name}.test", "connectTimeout": "20s"}
        documents[name] = _document("Host", name, spec)

    def _add_machine(self, documents: Documents, name: str) -> None:
        flavor = self._chance.pick(["reconciler", "stock"])
        spec = {"address": f"{name}.test", "connectTimeout": "20s", "agent": flavor}
        documents[name] = _document("RemoteNode", name, spec)

    def _add_guest(self, documents: Documents) -> None:
        chance = self._chance
        self._made += 1
        name, hosts = f"vm{self._made}", _names(documents, "Host")
        spec: Document = {
            "type": chance.pick(["lxc", "vm"]),
            "hardware": {"memory": "512Mi"},
            "shutdownTimeout": chance.pick(["0s", "5s", "15s"]),
            "failureLimit": chance.pick([0, 2, 3]),
            "placement": {},
        }
        spec["hardware"] |= (
            {"rootfs": "/srv/root"} if spec["type"] == "lxc" else {"disks": [{"path": f"/srv/{name}.raw"}]}
        )
        if chance.happens(0.8):
            spec["remoteNode"] = {
                "name": f"node{self._made}",
                "address": f"node{self._made}.test",
                "connectTimeout": chance.pick(["20s", "40s", "60s"]),
                "agent": chance.pick(["reconciler", "reconciler", "reconciler", "stock"]),
            }
        if chance.happens(0.3):
            spec["placement"]["on"] = chance.some(hosts, 1, len(hosts))
        if chance.happens(0.3):
            spec["placement"]["prefer"] = {chance.pick(hosts): chance.pick([50, 2000])}
        documents[name] = _document("Guest", name, spec)

    def _add_resource(self, documents: Documents) -> None:
        chance = self._chance
        self._made += 1
        name, others = f"r{self._made}", _names(documents, "Resource")
        has_params = chance.happens(0.8)
        spec: Document = {
            "agent": "ocf:heartbeat:Dummy" if has_params else f"systemd:{name}.service",
            "op": {
                "start": {"timeout": "15s"},
                "stop": {"timeout": "15s"},
                "monitor": {"interval": chance.pick(["5s", "10s", "20s"]), "timeout": "10s"},
            },
            "failureLimit": chance.pick([0, 1, 3, 5]),
            "failureTimeout": chance.pick(["0s", "0s", "60s"]),
            "placement": {},
        }
        if has_params:
            spec["params"] = {"state": f"/run/{name}.a"}
        if has_params and self._faults.has_migrations:
            spec["allowMigration"] = True
        if others and chance.happens(0.4):
            spec["after"] = chance.some(others, 1, 2)
        if others and chance.happens(0.2):
            spec["placement"]["with"] = [chance.pick(others)]
        elif others and chance.happens(0.2):
            spec["placement"]["apartFrom"] = [chance.pick(others)]
        if chance.happens(0.05):
            spec["startFailureIsFatal"] = True
        documents[name] = _resource(name, spec)
        self._place(documents, documents[name])

    def _place(self, documents: Documents, document: Document) -> None:
        chance = self._chance
        nodes = _nodes(documents) if document["kind"] == "Resource" else _names(documents, "Host")
        placement = document["spec"]["placement"]
        placement.pop("on", None)
        placement.pop("prefer", None)
        if nodes and chance.happens(0.4):
            placement["on"] = chance.some(nodes, 1, 3)
        if nodes and chance.happens(0.5):
            placement["prefer"] = {chance.pick(nodes): chance.pick([10, 500, "INFINITY", "-INFINITY"])}

    def _remove(self, documents: Documents) -> None:
        names = [*_names(documents, "Resource"), *_names(documents, "Guest")]
        if len(names) > 1:
            del documents[self._chance.pick(names)]

    def _change_params(self, documents: Documents) -> None:
        document = self._any(documents, "Resource", "Guest")
        if document is None:
            return
        spec = document["spec"]
        if "params" in spec:
            letter = self._chance.pick("abc")
            params = {"state": f"/run/{document['metadata']['name']}.{letter}"}
            if letter == "c":
                first = {"attribute": "#uname", "is": "host1"}
                spec["overrides"] = [{"when": first, "params": params}]
            else:
                spec["params"] = params
                spec.pop("overrides", None)
        elif "hardware" in spec:
            spec["hardware"]["memory"] = self._chance.pick(["512Mi", "1Gi", "2Gi"])
        elif "op" in spec:
            spec["op"]["monitor"]["interval"] = self._chance.pick(["5s", "10s", "20s"])

    def _change_placement(self, documents: Documents) -> None:
        document = self._any(documents, "Resource", "Guest")
        if document is not None:
            self._place(documents, document)

    def _change_order(self, documents: Documents) -> None:
        document = self._any(documents, "Resource")
        if document is None:
            return
        names = _names(documents, "Resource")
        before = names[: names.index(document["metadata"]["name"])]
        document["spec"]["after"] = self._chance.some(before, 0, 2)

    def _toggle_state(self, documents: Documents) -> None:
        document = self._any(documents, "Resource", "Guest")
        if document is not None:
            is_stopped = document["spec"].get("state") == "stopped"
            document["spec"]["state"] = "running" if is_stopped else "stopped"

    def _toggle_managed(self, documents: Documents) -> None:
        document = self._any(documents, "Resource")
        if document is not None:
            document["spec"]["managed"] = not document["spec"].get("managed", True)

    def _change_host(self, documents: Documents) -> None:
        document = self._any(documents, "Host", "RemoteNode")
        if document is not None:
            document["spec"]["state"] = self._chance.pick(["online", "online", "standby", "maintenance"])

    def _any(self, documents: Documents, *kinds: str) -> Document | None:
        found = [d for d in documents.values() if d["kind"] in kinds]
        return self._chance.pick(found) if found else None


def _names(documents: Documents, kind: str) -> list[str]:
    return [name for name, document in documents.items() if document["kind"] == kind]


def _nodes(documents: Documents) -> list[str]:
    """Return the nodes that resources can be placed on."""
    hosts = [n for n in _names(documents, "Host") if "agent" in documents[n]["spec"]]
    machines = _names(documents, "RemoteNode")
    guests = [documents[n]["spec"].get("remoteNode") for n in _names(documents, "Guest")]
    return [*hosts, *machines, *(remote["name"] for remote in guests if remote)]


def _prune(documents: Documents) -> None:
    """Take out what names something that is not there any more."""
    known = {*documents, *_nodes(documents)}
    for document in documents.values():
        spec = document["spec"]
        placement = spec.get("placement", {})
        for part in ("with", "apartFrom", "on"):
            if part in placement:
                placement[part] = [name for name in placement[part] if name in known]
                if not placement[part]:
                    del placement[part]
        if "prefer" in placement:
            placement["prefer"] = {n: s for n, s in placement["prefer"].items() if n in known}
        if "after" in spec:
            spec["after"] = [name for name in spec["after"] if name in known]


def _document(kind: str, name: str, spec: Document) -> Document:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _resource(name: str, spec: Document) -> Document:
    return _document("Resource", name, spec)


def _text(document: Document) -> bytes:
    """Write a document; JSON is YAML."""
    return json.dumps(document).encode()


def _files(documents: Documents) -> Mapping[str, bytes]:
    return {f"{index:02}-{name}.yaml": _text(documents[name]) for index, name in enumerate(documents)}
