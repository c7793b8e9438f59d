"""Reads hypervisors as levels: again on every wake-up, and every so often though nothing happened.

Each hypervisor has a task of its own, so that one that hangs delays no other.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from reconciler.model.errors import HypervisorError
from reconciler.model.node import Host
from reconciler.observe.domains import HypervisorKey
from reconciler.ports import Domain, Hypervisor
from reconciler.settings import Settings

log = logging.getLogger(__name__)

Deliver = Callable[[HypervisorKey, Sequence[Domain] | str, int], None]
"""Takes a listing, or why there is none, and the sequence number of its beginning."""


class Poller:
    """Reads one hypervisor until it is cancelled."""

    def __init__(self, hypervisor: Hypervisor, host: Host, key: HypervisorKey, settings: Settings) -> None:
        self._hypervisor = hypervisor
        self._host = host
        self._key = key
        self._settings = settings
        self._poke = asyncio.Event()

    def poke(self) -> None:
        """Ask for a reading soon."""
        self._poke.set()

    async def run(self, next_sequence: Callable[[], int], deliver: Deliver) -> None:
        """Read, deliver, and sleep until poked or for the resync interval; never returns."""
        while True:
            self._poke.clear()
            sequence = next_sequence()
            deliver(self._key, await self._read(), sequence)
            try:
                async with asyncio.timeout(self._settings.resync_s):
                    await self._poke.wait()
            except TimeoutError:
                continue

    async def _read(self) -> Sequence[Domain] | str:
        try:
            async with asyncio.timeout(self._settings.hypervisor_timeout_s):
                return await self._hypervisor.domains(self._host, self._key[1])
        except TimeoutError:
            return f"no answer within {self._settings.hypervisor_timeout_s:g} s"
        except HypervisorError as error:
            return str(error)
        except Exception as error:
            log.exception("hypervisor reading broke", extra={"node": self._host.name})
            return f"internal error: {type(error).__name__}: {error}"
