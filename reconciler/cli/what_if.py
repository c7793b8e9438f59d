"""`reconcile simulate` on a declaration: what faults lead to."""

import asyncio
from dataclasses import dataclass, replace

import click

from reconciler.cli.exits import EXIT_ERROR
from reconciler.cli.observe import look
from reconciler.cli.options import Options
from reconciler.cli.target import find_target, valid_intent
from reconciler.load.suggest import did_you_mean
from reconciler.load.units import UnitError, parse_time
from reconciler.model.collective import parts_of
from reconciler.model.errors import UsageError
from reconciler.model.history import History
from reconciler.model.intent import Intent
from reconciler.model.names import NodeName, ResourceId
from reconciler.plan.former import carried_over, in_force
from reconciler.plan.outlook import ideal_world
from reconciler.plan.tickets import all_granted
from reconciler.plan.what_if import Fault, World, at_rest, single_failures, what_if
from reconciler.report.document import to_text
from reconciler.report.what_if import what_if_document, what_if_text
from reconciler.world.clock import RealClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a simulation is asked for on the command line."""

    fail: tuple[str, ...]
    fail_resource: tuple[str, ...]
    standby: tuple[str, ...]
    may_stop: tuple[str, ...]
    all_single_failures: bool
    live: bool
    at: str | None
    """The time by which rules with dates are judged; None: now."""


def simulate_faults(options: Options, asked: Asked, output: str) -> int:
    """Print what the asked faults lead to, and return the exit code."""
    now = RealClock().now() if asked.at is None else _time(asked.at)
    world = asyncio.run(_world(options, now, is_live=asked.live))
    fault = _fault(world.intent, asked)
    may_stop = frozenset(_resources(world.intent, asked.may_stop))
    world = at_rest(world)
    faults = [fault, *single_failures(world, fault)] if asked.all_single_failures else [fault]
    document = what_if_document(world.intent, [what_if(world, each) for each in faults], may_stop)
    click.echo(to_text(document) if output == "json" else what_if_text(document))
    return 0 if document["ok"] else EXIT_ERROR


def _time(text: str) -> float:
    try:
        return float(parse_time(text))
    except UnitError as error:
        raise UsageError(f"--at: {error.text}; {error.hint}") from error


async def _world(options: Options, now: float, *, is_live: bool) -> World:
    target = await find_target(options)
    intent = valid_intent(target.loaded)
    if not is_live:
        history = History(tickets=all_granted(intent))
        return World(intent=intent, observed=ideal_world(intent), history=history, now=now)
    sight = await look(target)
    history = carried_over(sight.history, sight.intent, intent)
    intent = in_force(intent, history)
    return World(intent=intent, observed=replace(sight.observed, pending=()), history=history, now=now)


def _fault(intent: Intent, asked: Asked) -> Fault:
    known: dict[str, ResourceId] = {str(node): guest.id for node, guest in intent.guest_nodes().items()}
    known |= {str(r.id): r.id for r in intent.resources.values() if r.guest is not None}
    hosts = [str(host) for host in intent.hosts]
    failed = [_known(name, "host or guest", [*hosts, *known]) for name in dict.fromkeys(asked.fail)]
    return Fault(
        hosts=tuple(NodeName(name) for name in failed if name in hosts),
        guests=tuple(known[name] for name in failed if name not in hosts),
        resources=_resources(intent, asked.fail_resource),
        standby=tuple(NodeName(_known(name, "host", hosts)) for name in asked.standby),
    )


def _resources(intent: Intent, names: tuple[str, ...]) -> tuple[ResourceId, ...]:
    """Return the resources that names stand for: themselves, or what a group or a clone consists of."""
    found: dict[ResourceId, None] = {}
    for name in names:
        waiting = [ResourceId(_known(name, "resource", [*intent.resources, *intent.collectives]))]
        while waiting:
            one = waiting.pop()
            collective = intent.collectives.get(one)
            if one in intent.resources:
                found[one] = None
            if collective is not None:
                waiting += parts_of(collective)
    return tuple(found)


def _known(name: str, kind: str, known: list[str]) -> str:
    if name not in known:
        hint = did_you_mean(name, known)
        raise UsageError(f"there is no {kind} {name}" + (f"; {hint}" if hint else ""))
    return name
