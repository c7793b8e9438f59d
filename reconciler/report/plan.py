"""The plan document, and plans as text and markdown. Pure."""

import hashlib
import json

from reconciler.model.intent import Source
from reconciler.model.transition import Blocked, Change, Reason, Transition
from reconciler.report.document import Document, listed

FORMAT_VERSION = "1.0"

_ADDS = {"create", "start", "adopt"}
_DESTROYS = {"stop", "destroy"}

_SYMBOLS = {
    "create": "+",
    "start": "+",
    "adopt": "=",
    "stop": "-",
    "destroy": "-",
    "move": ">",
    "migrate": ">>",
    "restart": "!",
    "reload": "~",
    "recover": "!",
    "update": "~",
    "promote": "~",
    "demote": "~",
    "fence": "F",
}

ACTIONS = frozenset(_SYMBOLS)

_INCOMPLETE = "Not everything could be observed; more may follow."

_MAX_MARKDOWN = 60_000
"""Characters; GitHub takes 65,536 in a comment."""


def plan_document(transition: Transition, source: Source | None) -> Document:
    """Return a plan by the JSON contract."""
    changes = [_change(c) for c in transition.changes]
    document: Document = {
        "format_version": FORMAT_VERSION,
        "source": {
            "commit": source.commit if source else None,
            "dirty": source.is_dirty if source else False,
            "folder": source.folder if source else None,
        },
        "changes": changes,
        "summary": _summary(transition.changes),
        "blocked": [_blocked(b) for b in transition.blocked if b.code != "waiting"],
        "gates": [_blocked(b) for b in transition.gates],
        "complete": transition.is_complete,
    }
    document["plan_hash"] = plan_hash(document)
    return document


def plan_hash(document: Document) -> str:
    """Return a name for what a plan does, equal for equal changes."""
    text = json.dumps([document["changes"], document["gates"]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def has_changes(document: Document) -> bool:
    """Tell whether a plan changes anything."""
    return bool(document["changes"])


def matching(document: Document, kinds: set[str]) -> list[str]:
    """Return the addresses whose action is among some kinds, for `--fail-on`."""
    return [
        c["address"]
        for c in listed(document, "changes")
        if c["action"] in kinds or any(c[sort] for sort in kinds & {"disruptive", "destructive"})
    ]


def plan_text(document: Document, notes: tuple[str, ...] = ()) -> str:
    """Return a plan for people; the last line counts."""
    lines = [_source_line(document), ""]
    lines += [f"note: {note}" for note in notes]
    for change in listed(document, "changes"):
        lines.append(_change_line(change))
        lines += [f"      {_reason_line(reason)}" for reason in change["reasons"]]
    if not document["changes"]:
        is_as_declared = document["complete"] and not document["blocked"] and not document["gates"]
        lines.append(
            "Nothing to do: the world is as declared." if is_as_declared else "Nothing to do for now."
        )
    for title, name in (("Blocked", "blocked"), ("Gates", "gates")):
        entries = listed(document, name)
        if entries:
            lines += ["", f"{title}:"]
            lines += [f"  {entry['address']}: {_reason_line(entry)}" for entry in entries]
    if not document["complete"]:
        lines += ["", _INCOMPLETE]
    lines += ["", _summary_line(document)]
    return "\n".join(lines)


def plan_markdown(document: Document, notes: tuple[str, ...] = ()) -> str:
    """Return a plan for a comment on a pull request: the summary first, details below."""
    lines = [f"**{_summary_line(document)}**", ""]
    lines += [f"> {note}" for note in notes]
    if document["changes"]:
        lines += ["", "```diff"]
        for change in listed(document, "changes"):
            sign = {"-": "-", "+": "+"}.get(_SYMBOLS[change["action"]], "!")
            lines.append(f"{sign} {_words(change)}")
        lines += ["```", "", "<details><summary>Reasons</summary>", ""]
        for change in listed(document, "changes"):
            lines += [
                f"- `{change['address']}` {change['action']}: {_reason_line(r)}" for r in change["reasons"]
            ]
        lines += ["", "</details>"]
    for title, name in (("Blocked", "blocked"), ("Gates", "gates")):
        entries = listed(document, name)
        if entries:
            lines += ["", f"**{title}**", ""]
            lines += [f"- `{entry['address']}`: {_reason_line(entry)}" for entry in entries]
    if not document["complete"]:
        lines += ["", _INCOMPLETE]
    return _cut("\n".join(lines))


def _cut(text: str) -> str:
    """Return a text that fits into a comment, its code block and details closed."""
    if len(text) <= _MAX_MARKDOWN:
        return text
    kept = text[:_MAX_MARKDOWN].rsplit("\n", 1)[0]
    ends = [
        "\n```" if kept.count("```") % 2 else "",
        "\n\n</details>" if kept.count("<details>") > kept.count("</details>") else "",
    ]
    return f"{kept}{''.join(ends)}\n\n(cut: the whole plan is in `plan -o text`)"


def _change(change: Change) -> Document:
    return {
        "address": change.address,
        "action": change.action,
        "from": change.source,
        "to": change.target,
        "reasons": [_reason(r) for r in change.reasons],
        "depends_on": list(change.depends_on),
        "disruptive": change.is_disruptive,
        "destructive": change.is_destructive,
    }


def _reason(reason: Reason) -> Document:
    return {
        "code": reason.code,
        "text": reason.text,
        "file": reason.where.file if reason.where else None,
        "line": reason.where.line if reason.where else None,
    }


def _blocked(blocked: Blocked) -> Document:
    return {
        "address": blocked.address,
        "text": blocked.text,
        "code": blocked.code,
        "file": blocked.where.file if blocked.where else None,
        "line": blocked.where.line if blocked.where else None,
    }


def _summary(changes: tuple[Change, ...]) -> Document:
    add = sum(c.action in _ADDS for c in changes)
    destroy = sum(c.action in _DESTROYS for c in changes)
    return {"add": add, "change": len(changes) - add - destroy, "destroy": destroy}


def _summary_line(document: Document) -> str:
    summary = document["summary"]
    return f"Plan: {summary['add']} to add, {summary['change']} to change, {summary['destroy']} to destroy."


def _source_line(document: Document) -> str:
    source = document["source"]
    commit = f"commit {source['commit'][:12]}" if source["commit"] else "the files as they are"
    dirty = ", uncommitted changes left out" if source["dirty"] and source["commit"] else ""
    return f"Desired: {commit}{dirty}"


def _words(change: Document) -> str:
    where = {
        (True, True): f"{change['from']} -> {change['to']}",
        (True, False): f"on {change['from']}",
        (False, True): f"on {change['to']}",
        (False, False): "",
    }[change["from"] is not None, change["to"] is not None]
    if change["from"] == change["to"] and change["from"] is not None:
        where = f"on {change['from']}"
    return f"{change['address']}  {change['action']}  {where}".rstrip()


def _change_line(change: Document) -> str:
    return f"  {_SYMBOLS[change['action']]:<3} {_words(change)}"


def _reason_line(reason: Document) -> str:
    place = f"  ({reason['file']}:{reason['line']})" if reason["file"] else ""
    return f"{reason['text']}{place}"
