"""This machine's own agent: a process of its own on a Unix socket, which outlives the controller.

It is started when a link to it is wanted and nothing answers on its socket; a systemd unit may start it before.
"""

import asyncio
import contextlib
import os
import signal
import socket
import struct
import sys
from pathlib import Path

from reconciler.model.errors import HypervisorError, LinkError
from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import LinkReason
from reconciler.model.operation import OCF_NOT_RUNNING, OperationRequest, OperationResult
from reconciler.ports import AgentLink, LinkListener, Links, LinkTarget, Session
from reconciler.world.process.spawn import Spawn, read_log_end, spawn_detached

START_TIMEOUT_S = 10.0
_POLL_S = 0.02


class LocalAgent:
    """Starts the agent of the host that the controller runs on."""

    def __init__(self, socket_path: Path, folder: Path, agent_file: Path) -> None:
        """Take where it is to listen, the folder for its records (best on a tmpfs), and the file to run."""
        self._socket_path = socket_path
        self._folder = folder
        self._agent_file = agent_file

    def is_there(self) -> bool:
        """Tell whether something answers on its socket."""
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(str(self._socket_path))
            except OSError:
                return False
            return True

    def has_records(self) -> bool:
        """Tell whether it ever ran since the boot: then something may run that it started."""
        return (self._folder / "records").exists()

    def stop(self) -> None:
        """Ask it to end; without a client it does so at once, and what it started goes on."""
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
            try:
                probe.connect(str(self._socket_path))
            except OSError:
                return
            # struct ucred of unix(7): pid, uid, gid
            credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        (pid, _, _) = struct.unpack("3i", credentials)
        os.kill(pid, signal.SIGTERM)

    async def ensure(self, node: NodeName) -> None:
        """Start it unless it is there, and wait until it listens.

        Raises:
            LinkError: it does not start; the text says what it logged.
        """
        if self.is_there():
            return
        log = self._folder / "agent.log"
        command = [
            *(sys.executable, "-I", "-S", str(self._agent_file), "serve"),
            *("--unix", str(self._socket_path), "--node", node, "--state", str(self._folder)),
        ]
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            environment = {"HOME": os.environ.get("HOME", "/")}
            await asyncio.to_thread(
                spawn_detached, Spawn(command=command, folder=self._folder, log=log, environment=environment)
            )
        except (HypervisorError, OSError) as error:
            raise LinkError(LinkReason.REFUSED, f"the local agent does not start: {error}") from error
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while not self.is_there():  # noqa: ASYNC110  a socket file has no event
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as error:
            text = f"the local agent does not listen: {read_log_end(log)}"
            raise LinkError(LinkReason.REFUSED, text) from error


class LinksWithLocalAgent:
    """Links of which the local one starts its agent first."""

    def __init__(self, links: Links, local: LocalAgent, *, is_read_only: bool) -> None:
        """Take the real links; a read-only controller starts no agent, and takes a host without one as empty."""
        self._links = links
        self._local = local
        self._is_read_only = is_read_only

    def link(self, target: LinkTarget, listener: LinkListener) -> AgentLink:
        """Return a link that is not connected yet."""
        link = self._links.link(target, listener)
        if target.agent.address is not None:
            return link
        if self._is_read_only and not self._local.is_there() and not self._local.has_records():
            return AbsentAgentLink()
        return link if self._is_read_only else LocalLink(link, self._local, target.node)


class LocalLink:
    """The link to the local agent, which is started when it is connected."""

    def __init__(self, link: AgentLink, local: LocalAgent, node: NodeName) -> None:
        self._link = link
        self._local = local
        self._node = node

    async def connect(self, timeout_ms: int) -> Session:
        """Start the agent if need be, and connect it."""
        await self._local.ensure(self._node)
        return await self._link.connect(timeout_ms)

    async def execute(self, request: OperationRequest) -> OperationResult:
        """Run one operation."""
        return await self._link.execute(request)

    async def cancel(self, resource: ResourceId, operation: str, interval_ms: int) -> None:
        """Stop a recurring operation."""
        await self._link.cancel(resource, operation, interval_ms)

    async def close(self) -> None:
        """End the connection; the agent goes on."""
        await self._link.close()

    @property
    def is_connected(self) -> bool:
        """Tell whether operations can be sent."""
        return self._link.is_connected


class AbsentAgentLink:
    """A host whose agent never ran since the boot: nothing of ours runs there."""

    def __init__(self) -> None:
        self._is_connected = False

    async def connect(self, timeout_ms: int) -> Session:  # noqa: ARG002  the port's signature
        """Return a session with nothing in it."""
        self._is_connected = True
        return Session(is_ours=True, instance="absent", incarnation="absent", is_record_keeping=True)

    async def execute(self, request: OperationRequest) -> OperationResult:
        """Answer that nothing runs; plans ask nothing else."""
        return OperationResult(resource=request.resource, operation=request.operation, rc=OCF_NOT_RUNNING)

    async def cancel(self, resource: ResourceId, operation: str, interval_ms: int) -> None:
        """Do nothing: there is nothing to cancel."""

    async def close(self) -> None:
        """Do nothing."""
        self._is_connected = False

    @property
    def is_connected(self) -> bool:
        """Tell whether `connect` was called."""
        return self._is_connected
