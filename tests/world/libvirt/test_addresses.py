"""Whose an address is, by libvirt's test driver: each domain's first interface has 192.168.0.1, and so on."""

import asyncio
from typing import Any

import pytest

from tests.world.libvirt.test_guests import HOST, WEB, XML, a_start, driver, guests

__all__ = ["driver"]

libvirt = pytest.importorskip("libvirt", reason="libvirt-python is not installed")

NIC = "<interface type='bridge'><mac address='52:54:00:00:00:0{}'/><source bridge='br0'/></interface>"
TWO_NICS = f"<devices>{NIC.format(1)}{NIC.format(2)}</devices>"
ONE_NIC = f"<devices>{NIC.format(3)}</devices>"


def with_devices(devices: str, name: str = "web") -> str:
    return XML.replace("</domain>", devices + "</domain>").replace(">web<", f">{name}<")


def test_a_host_tells_who_else_has_an_address_and_nothing_of_what_it_does_not_know(
    driver: Any,
) -> None:
    driver.createXML(with_devices(TWO_NICS, "other"), 0)

    async def scenario() -> list[str | None]:
        running = guests()
        await running.start(HOST, a_start(xml=with_devices(ONE_NIC)))
        asked = ("192.168.0.1", "192.168.0.2", "192.0.2.7", "web.example.net")
        found = [await running.stranger_at(HOST, WEB, address) for address in asked]
        running.close()
        return found

    text = "its host says that 192.168.0.2 is that of the domain other (52:54:00:00:00:02)"
    assert asyncio.run(scenario()) == [None, text, None, None]
