"""A container that libvirtd loses as it starts is started anew: it would be called running long after its end."""

from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.model.errors import HypervisorError
from reconciler.model.intent import Cluster
from reconciler.model.names import ResourceId, Where
from reconciler.model.node import GuestType
from reconciler.model.resource import Guest, Resource, ResourceAgent
from reconciler.ports import GuestStart
from reconciler.world.libvirt import domains
from reconciler.world.libvirt.definition import define_domain
from reconciler.world.libvirt.library import load_libvirt

libvirt = pytest.importorskip("libvirt", reason="libvirt-python is not installed")

INIT = "<type>exe</type><init>/init</init>"
XML = f"<domain type='lxc'><name>web</name><memory>1024</memory><os>{INIT}</os></domain>"


class ContainerHost:
    """libvirt's own test driver, whose machines pass for containers; some are lost as they start."""

    def __init__(self, real: Any, lost: int) -> None:
        """Take how many containers are lost before the first that is not."""
        self._real, self._lost = real, lost
        self.created = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def createXML(self, xml: str, flags: int) -> Any:  # noqa: N802 - libvirt's name
        self.created += 1
        machine = xml.replace('type="lxc"', 'type="test"', 1).replace(INIT, "<type>hvm</type>")
        domain = self._real.createXML(machine, flags)
        return Container(domain, is_lost=self.created <= self._lost)


class Container:
    """A domain of which libvirtd knows the first program, or never will."""

    def __init__(self, real: Any, *, is_lost: bool) -> None:
        self._real, self._is_lost = real, is_lost

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def securityLabel(self) -> list[Any]:  # noqa: N802 - libvirt's name
        if not self._is_lost:
            return ["", False]
        # lxcDomainGetSecurityLabel, "Init pid is not yet available"
        error = libvirt.libvirtError("")
        error.err = (libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_FROM_LXC, "Init pid is not yet available")
        raise error


@pytest.fixture
def driver() -> Iterator[Any]:
    connection = load_libvirt().open("test:///default")
    yield connection
    for domain in connection.listAllDomains(0):
        if domain.name() == "web":
            domain.destroy()
    connection.close()


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "_INIT_PATIENCE_S", 0.0)


def a_definition() -> Any:
    guest = Resource(
        id=ResourceId("web"),
        agent=ResourceAgent(standard="guest", type="lxc"),
        where=Where(file="x.yaml", line=1),
        guest=Guest(type=GuestType.LXC, domain_xml=XML),
    )
    start = GuestStart(
        guest=guest, cluster=Cluster(name="shop"), uid="u1", digest="d1", commit="c1", key=None
    )
    return define_domain(start, "/run/guests")


@pytest.mark.parametrize(("lost", "created"), [(0, 1), (1, 2), (2, 3)])
def test_lost_container_is_created_again(driver: Any, lost: int, created: int) -> None:
    host, definition = ContainerHost(driver, lost), a_definition()
    domains.create(host, definition)
    assert host.created == created
    assert domains.mark_of(driver.lookupByName("web")) == definition.mark


def test_host_that_loses_every_container_does_not_start_it(driver: Any) -> None:
    host = ContainerHost(driver, 100)
    with pytest.raises(HypervisorError, match="libvirtd lost 'web' as it started, 3 times"):
        domains.create(host, a_definition())
    assert (host.created, [each.name() for each in driver.listAllDomains(0)]) == (3, ["test"])
