"""Keeps one poller for each hypervisor of the declaration, and the watch for their events."""

import asyncio
from collections.abc import Callable

from reconciler.model.intent import Intent
from reconciler.model.node import Host
from reconciler.observe.domains import HypervisorKey, Hypervisors
from reconciler.observe.poll import Deliver, Poller
from reconciler.observe.snapshot import types_of
from reconciler.ports import Hypervisor
from reconciler.settings import Settings


class Readings:
    """The pollers of all hypervisors, following the declaration."""

    def __init__(
        self,
        group: asyncio.TaskGroup,
        hypervisor: Hypervisor,
        settings: Settings,
        next_sequence: Callable[[], int],
        deliver: Deliver,
    ) -> None:
        self._group = group
        self._hypervisor = hypervisor
        self._settings = settings
        self._next_sequence = next_sequence
        self._deliver = deliver
        self._pollers: dict[HypervisorKey, tuple[Host, Poller, asyncio.Task[None]]] = {}
        self._watch: asyncio.Task[None] | None = None
        self._watched: tuple[Host, ...] = ()

    def follow(self, intent: Intent) -> None:
        """Start and stop pollers so that each declared hypervisor has one."""
        wanted = {(host.name, t): host for host in intent.hosts.values() for t in types_of(intent, host.name)}
        for key, (host, _, task) in list(self._pollers.items()):
            if wanted.get(key) != host:
                task.cancel()
                del self._pollers[key]
        for key, host in sorted(wanted.items(), key=lambda item: (item[0][0], item[0][1].value)):
            if key not in self._pollers:
                poller = Poller(self._hypervisor, host, key, self._settings)
                task = self._group.create_task(poller.run(self._next_sequence, self._deliver))
                self._pollers[key] = (host, poller, task)
        hosts = tuple(sorted({h.name: h for h in wanted.values()}.values(), key=lambda h: h.name))
        if hosts != self._watched:
            if self._watch is not None:
                self._watch.cancel()
            self._watched = hosts
            self._watch = self._group.create_task(self._hypervisor.watch(hosts, self.poke))

    def poke(self) -> None:
        """Have all hypervisors read again soon."""
        for _, poller, _ in self._pollers.values():
            poller.poke()

    def all_heard(self, known: Hypervisors) -> bool:
        """Tell whether every hypervisor has answered, or failed to, at least once."""
        return not self.unheard(known)

    def unheard(self, known: Hypervisors) -> list[HypervisorKey]:
        """Return the hypervisors that have neither answered nor failed to yet."""
        return [key for key in self._pollers if key not in known.heard]

    def stop(self) -> None:
        """End all pollers and the watch."""
        for _, _, task in self._pollers.values():
            task.cancel()
        if self._watch is not None:
            self._watch.cancel()
