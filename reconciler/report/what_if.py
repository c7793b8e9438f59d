"""What faults lead to: the document, and the same for people. Pure."""

from collections.abc import Sequence

from reconciler.model.intent import Intent
from reconciler.model.names import ResourceId
from reconciler.plan.what_if import Fared, Fault, Outcome
from reconciler.report.document import Document, listed

FORMAT_VERSION = "1.0"


def what_if_document(
    intent: Intent, outcomes: Sequence[Outcome], may_stop: frozenset[ResourceId]
) -> Document:
    """Return what faults lead to by the JSON contract; what may stop is no reason to fail."""
    scenarios = [_scenario(intent, outcome, may_stop) for outcome in outcomes]
    return {
        "format_version": FORMAT_VERSION,
        "scenarios": scenarios,
        "ok": all(scenario["ok"] for scenario in scenarios),
    }


def what_if_text(document: Document) -> str:
    """Return what faults lead to for people; the last line counts."""
    lines: list[str] = []
    for scenario in listed(document, "scenarios"):
        lines += [f"{_title(scenario)}:", *(f"  {line}" for line in _scenario_lines(scenario)), ""]
    bad = sum(not scenario["ok"] for scenario in listed(document, "scenarios"))
    total = len(document["scenarios"])
    lines.append(f"Simulated {total}: {total - bad} survived, {bad} not.")
    return "\n".join(lines)


def _scenario(intent: Intent, outcome: Outcome, may_stop: frozenset[ResourceId]) -> Document:
    cannot_run = [
        {**_fared(intent, f), "text": f.obstacle, "allowed": f.resource in may_stop}
        for f in outcome.cannot_run
    ]
    overloaded = [
        {"node": o.node, "capacity": o.capacity, "needed": o.needed, "available": o.available}
        for o in outcome.overloads
    ]
    return {
        **_fault(outcome.fault),
        "moved": [_fared(intent, f) for f in outcome.moved],
        "restarted": [_fared(intent, f) for f in outcome.restarted],
        "fewer": [_fared(intent, f) for f in outcome.fewer],
        "cannot_run": cannot_run,
        "overloaded": overloaded,
        "ok": not overloaded and all(entry["allowed"] for entry in cannot_run),
    }


def _fault(fault: Fault) -> Document:
    return {
        "failed": [*fault.hosts, *fault.guests],
        "failed_resources": list(fault.resources),
        "standby": list(fault.standby),
    }


def _fared(intent: Intent, fared: Fared) -> Document:
    where = intent.resources[fared.resource].where
    return {
        "resource": fared.resource,
        "from": list(fared.before),
        "to": list(fared.after),
        "file": where.file,
        "line": where.line,
    }


def _title(scenario: Document) -> str:
    parts = [
        f"{', '.join(names)} {words}"
        for names, words in (
            ([*scenario["failed"], *scenario["failed_resources"]], "failed"),
            (scenario["standby"], "in standby"),
        )
        if names
    ]
    return ", ".join(parts) or "as declared"


def _scenario_lines(scenario: Document) -> list[str]:
    lines = [f"{e['resource']}  moves  {_nodes(e['from'])} -> {_nodes(e['to'])}" for e in scenario["moved"]]
    lines += [f"{e['resource']}  restarts  on {_nodes(e['to'])}" for e in scenario["restarted"]]
    lines += [
        f"{e['resource']}  runs on {len(e['to'])} nodes instead of {len(e['from'])}"
        for e in scenario["fewer"]
    ]
    for entry in scenario["cannot_run"]:
        word = "does not run, as allowed" if entry["allowed"] else "CANNOT RUN"
        place = f"  ({entry['file']}:{entry['line']})"
        lines.append(f"{entry['resource']}  {word}" + (f": {entry['text']}" if entry["text"] else "") + place)
    lines += [
        f"{e['node']}  OVERLOADED: {e['needed']} {e['capacity']} needed, {e['available']} available"
        for e in scenario["overloaded"]
    ]
    return lines or ["all stays as it is"]


def _nodes(nodes: list[str]) -> str:
    return ", ".join(nodes) if nodes else "nowhere"
