"""The clusters that the planner is timed on: as a generator prints them, and with more to heed."""

import subprocess
import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from lxml import etree

_NEED, _ROOM = 100, 100_000


def opt_in(generator: Path, hosts: int, guests: int) -> str:
    """Return a CIB as the generator prints it, with ten resources for each guest."""
    command = [sys.executable, str(generator), str(hosts), str(guests), str(10 * guests)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def with_capacity(generator: Path, hosts: int, guests: int) -> str:
    """Return the generator's CIB with the capacity of hosts counted: each guest takes some."""
    root = etree.fromstring(opt_in(generator, hosts, guests).encode())
    _count_capacity(root, [p for p in _primitives(root) if p.find("meta_attributes") is not None])
    return etree.tostring(root, encoding="unicode")


def symmetric(generator: Path, hosts: int, guests: int) -> str:
    """Return a CIB in which everything may run everywhere, takes capacity, and every third resource is with another."""
    root = etree.fromstring(opt_in(generator, hosts, guests).encode())
    options = root.find("configuration/crm_config/cluster_property_set")
    constraints = root.find("configuration/constraints")
    assert options is not None
    assert constraints is not None
    for pair in options.findall("nvpair[@name='symmetric-cluster']"):
        pair.set("value", "true")
    resources = _primitives(root)
    _count_capacity(root, resources)
    names = [p.get("id", "") for p in resources if p.find("meta_attributes") is None]
    for primary, dependent in list(pairwise(names))[::3]:
        attributes = {"id": f"with-{dependent}", "rsc": dependent, "with-rsc": primary, "score": "INFINITY"}
        etree.SubElement(constraints, "rsc_colocation", attributes)
    return etree.tostring(root, encoding="unicode")


def _primitives(root: etree._Element) -> list[etree._Element]:
    return root.findall("configuration/resources/primitive")


def _count_capacity(root: etree._Element, takers: Iterable[etree._Element]) -> None:
    """Balance what some resources take over the hosts."""
    options = root.find("configuration/crm_config/cluster_property_set")
    assert options is not None
    etree.SubElement(options, "nvpair", id="o-placement", name="placement-strategy", value="balanced")
    for node in root.findall("configuration/nodes/node"):
        _with_utilization(node, _ROOM)
    for primitive in takers:
        _with_utilization(primitive, _NEED)


def _with_utilization(parent: etree._Element, amount: int) -> None:
    name = parent.get("uname") or parent.get("id", "")
    utilization = etree.Element("utilization", id=f"{name}-u")
    etree.SubElement(utilization, "nvpair", id=f"{name}-u-memory", name="memory", value=str(amount))
    parent.insert(0, utilization)
