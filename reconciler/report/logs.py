"""Results of operations as documents and text. Pure."""

from datetime import UTC, datetime

from reconciler.ports import LogEntry
from reconciler.report.document import Document


def log_entry(entry: LogEntry) -> Document:
    """Return one result as a document."""
    result = entry.result
    return {
        "finished_at": entry.finished_at,
        "node": entry.node,
        "operation": result.operation,
        "interval_ms": result.interval_ms,
        "rc": result.rc,
        "status": result.status,
        "reason": result.reason,
        "output": result.output,
        "took_ms": result.took_ms,
        "commit": entry.commit,
        "text": result.describe(),
    }


def logs_text(entries: list[Document]) -> str:
    """Return results for people, newest first, each with its output indented below."""
    if not entries:
        return "No results yet."
    lines = []
    for entry in entries:
        at = datetime.fromtimestamp(entry["finished_at"], UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        interval = f" every {entry['interval_ms'] / 1000:g}s" if entry["interval_ms"] else ""
        # What was found out afterwards, and what never ran, took nobody knows how long.
        took = f" ({entry['took_ms']} ms)" if entry["took_ms"] else ""
        lines.append(f"{at}  {entry['operation']}{interval} on {entry['node']}: {entry['text']}{took}")
        lines += [f"    {line}" for line in str(entry["output"]).splitlines()]
    return "\n".join(lines)
