"""What is, for commands that only look: from a running daemon, or observed live without changing anything."""

from dataclasses import dataclass

from reconciler.cli.target import InvalidDeclarationError, Target, count_problems, show_problems
from reconciler.load.record import load_plan_input
from reconciler.loop.reconciler import Reconciler
from reconciler.model.errors import StateError
from reconciler.model.event import Event
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.observed import Observed
from reconciler.plan.rules import with_nodes_in_force
from reconciler.report.document import Document
from reconciler.report.status import Present, status_document
from reconciler.settings import Settings
from reconciler.world.assemble import open_world
from reconciler.world.control import ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One look at the world."""

    intent: Intent
    """In force where it was looked from; another one than is planned for, maybe."""
    observed: Observed
    history: History
    now: float


def ask_daemon(target: Target, command: str) -> object | None:
    """Return what a running daemon answers to a question; None when there is none.

    Raises:
        StateError: it refused, or ended.
    """
    answers = ask(target.state.control_socket, {"command": command})
    if answers is None:
        return None
    for message in answers:
        result: object = message["result"]
        return result
    raise StateError("the daemon ended before it answered")


async def look(target: Target) -> Sight:
    """Return what is, without changing anything."""
    text = ask_daemon(target, "snapshot")
    if isinstance(text, str):
        intent, observed, history, now = load_plan_input(text)
        return Sight(intent=intent, observed=observed, history=history, now=now)
    reconciler = await _look_live(target)
    return reconciler[1]


async def look_status(target: Target) -> Document:
    """Return the status document, from the daemon or observed live."""
    document = ask_daemon(target, "status")
    if isinstance(document, dict):
        # The daemon looked when it read the commit; people edit files at any time.
        document["source"]["dirty"] = target.tree.source.is_dirty
        return document
    document, _ = await _look_live(target)
    return document


async def _look_live(target: Target) -> tuple[Document, Sight]:
    cluster = target.loaded.intent.cluster.name if target.loaded.intent else target.state.path.name
    with open_world(target.state, target.repository, cluster, is_read_only=True) as world:
        reconciler = Reconciler(world.ports, Settings(), _ignore)
        await reconciler.run(once=True, is_read_only=True)
        memory = reconciler.memory
        if memory.intent is None:
            show_problems(target.loaded.problems)
            raise InvalidDeclarationError(count_problems(target.loaded.problems))
        document = status_document(
            Present(
                intent=with_nodes_in_force(memory.intent, world.ports.clock.now()),
                source=memory.tree.source if memory.tree else None,
                observed=reconciler.observed,
                history=memory.history,
                transition=reconciler.transition,
                problems=memory.problems,
                refused=memory.refused,
                key_fingerprint=world.keys.fingerprint(),
            )
        )
        sight = Sight(
            intent=memory.intent,
            observed=reconciler.observed,
            history=memory.history,
            now=world.ports.clock.now(),
        )
        return document, sight


def _ignore(event: Event) -> None:
    """Drop an event: only looking is no news."""
