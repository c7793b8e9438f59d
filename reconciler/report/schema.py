"""The JSON Schemas of the documents we print, written once; `python -m reconciler.report.schema NAME` prints one.

They say which fields are there and what they hold. Later versions may add fields, so that none is forbidden.
"""

import json
import sys

from reconciler.model.constraint import LossPolicy
from reconciler.model.event import Severity
from reconciler.model.node import LinkReason, NodeKind, NodeState
from reconciler.model.resource import Role
from reconciler.plan.place.trace import Cause, Rule
from reconciler.report.document import Document
from reconciler.report.plan import ACTIONS, FORMAT_VERSION
from reconciler.report.what_if import FORMAT_VERSION as WHAT_IF_VERSION
from reconciler.report.why import FORMAT_VERSION as WHY_VERSION


def document_schema(name: str) -> Document:
    """Return the schema of one kind of document: status, plan, event, logs, what-if or why."""
    title, schema = _SCHEMAS[name]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:reconciler:{name}",
        "title": title,
        **schema,
    }


def document_schema_text(name: str) -> str:
    """Return a schema as it stands in schemas/."""
    return json.dumps(document_schema(name), indent=2) + "\n"


def _object(description: str, **properties: Document) -> Document:
    return {
        "type": "object",
        "description": description,
        "required": [field for field, schema in properties.items() if not schema.get("x-optional")],
        "properties": {
            field: {k: v for k, v in schema.items() if k != "x-optional"}
            for field, schema in properties.items()
        },
    }


def _text(description: str) -> Document:
    return {"type": "string", "description": description}


def _text_or_null(description: str) -> Document:
    return {"type": ["string", "null"], "description": description}


def _whole(description: str) -> Document:
    return {"type": "integer", "minimum": 0, "description": description}


def _flag(description: str) -> Document:
    return {"type": "boolean", "description": description}


def _one_of(description: str, *values: str | None) -> Document:
    return {"enum": list(values), "description": description}


def _list(description: str, items: Document) -> Document:
    return {"type": "array", "description": description, "items": items}


def _optional(schema: Document) -> Document:
    return {**schema, "x-optional": True}


_ATTRIBUTES = {
    "type": "object",
    "patternProperties": {"": {"type": "string"}},
    "description": "What programs on it have said of it, by name: its node attributes.",
}
_LINE = {"type": ["integer", "null"], "minimum": 1, "description": "Where in the file, from 1."}
_FILE = _text_or_null("The YAML that says so, relative to the declaration's folder.")
_AT = {"type": "number", "description": "Epoch seconds."}
_ROLE = _one_of("In Pacemaker's words.", *(role.value for role in Role))

_STATUS = _object(
    "The present state of a cluster; `reconcile status -o json`.",
    cluster=_text("Its name."),
    source=_object(
        "What is in force.",
        commit=_text_or_null("Full hash; null for files that are taken as they are."),
        dirty=_flag("There are uncommitted changes, which were left out."),
        folder=_text_or_null("The declaration's folder."),
        revision=_text_or_null("What the commit was found by."),
        refused=_text_or_null("The newer commit that is kept out for its errors."),
    ),
    nodes=_list(
        "Hosts and guest nodes, in the declaration's order.",
        _object(
            "One node.",
            name=_text("Its name."),
            kind=_one_of("What it is.", *(kind.value for kind in NodeKind)),
            state=_one_of("What is known of its agent.", *(state.value for state in NodeState)),
            reason=_one_of("Why its agent cannot be talked to.", None, *(r.value for r in LinkReason)),
            text=_text("The same for people; may be empty."),
            standby=_flag("It is asked to run nothing."),
            maintenance=_flag("Nothing on it is touched."),
            resource=_text_or_null("The guest that is this node."),
            key={
                "anyOf": [
                    _object(
                        "Of its key, which is derived from the root key.",
                        epoch=_whole("As it is declared."),
                        in_use={
                            "type": ["integer", "null"],
                            "description": "Of the connection; null without one. Another one: it is being changed.",
                        },
                    ),
                    {"type": "null"},
                ],
                "description": "Null for an agent on a local socket, and for one with a keyFile.",
            },
            address={
                "anyOf": [
                    _object(
                        "Whose the address of its agent is, as its host says.",
                        confirmed=_flag(
                            "It is known to be the guest's own; else it may be anybody's with its key."
                        ),
                        text=_text("By what that is known, or why it is not."),
                    ),
                    {"type": "null"},
                ],
                "description": "Null for what is no guest, and without a connection.",
            },
            attributes=_ATTRIBUTES,
        ),
    ),
    resources=_list(
        "Resources and guests, in the declaration's order, then what is removed and still there.",
        _object(
            "One resource.",
            name=_text("Its name."),
            agent=_text("Its resource agent; guest:TYPE for guests."),
            role=_ROLE,
            nodes=_list("Where it runs, or may run.", {"type": "string"}),
            instances=_list(
                "What is known of it, node by node.",
                _object(
                    "The resource on one node.",
                    node=_text("The node."),
                    role=_ROLE,
                    pending=_flag("An operation is under way."),
                    failed=_flag("Its last operation failed."),
                ),
            ),
            declared=_flag("False: it is removed from the declaration, and still there."),
            managed=_flag("False: it is only watched."),
            failures=_whole("Counted on all nodes since the last cleanup."),
            problem=_text_or_null("Why it is not as declared."),
        ),
    ),
    tickets=_list(
        "The tickets that something declared needs, in the declaration's order.",
        _object(
            "One ticket.",
            name=_text("Its name."),
            granted=_flag("This cluster holds it."),
            standby=_flag("It is to be used by nothing, whether it is granted or not."),
            last_granted={"type": ["number", "null"], "description": "Epoch seconds; null: never."},
            needed_by=_list(
                "What needs it.",
                _object(
                    "One constraint.",
                    resource=_text("A resource, guest, group or clone."),
                    role=_one_of(
                        "What needs the ticket: to run at all, or to be promoted.", None, Role.PROMOTED.value
                    ),
                    on_loss=_one_of(
                        "What is done when it is revoked.", *(policy.value for policy in LossPolicy)
                    ),
                    file=_FILE,
                    line=_LINE,
                ),
            ),
        ),
    ),
    problems=_list(
        "What a person should look at.",
        _object(
            "One problem.",
            severity=_one_of("How soon.", "error", "warning"),
            code=_text("Short and stable."),
            text=_text("For people."),
            address=_text_or_null("guest/NAME, resource/NAME or node/NAME."),
        ),
    ),
    key_fingerprint=_optional(_text("Of the root key, once there is one.")),
)

_OBSTACLE = _object(
    "Something that cannot be done now.",
    address=_text("guest/NAME, resource/NAME or node/NAME."),
    text=_text("Why, and what would help."),
    code=_text("Short and stable."),
    file=_FILE,
    line=_LINE,
)

_PLAN = _object(
    "What would be done; `reconcile plan -o json`.",
    format_version={"const": FORMAT_VERSION},
    source=_object(
        "What is asked for.",
        commit=_text_or_null("Full hash; null for files that are taken as they are."),
        dirty=_flag("There are uncommitted changes, which were left out."),
        folder=_text_or_null("The declaration's folder."),
    ),
    changes=_list(
        "In the declaration's order.",
        _object(
            "What is done to one guest or resource.",
            address=_text("guest/NAME, resource/NAME or host/NAME."),
            action=_one_of("What is done.", *sorted(ACTIONS)),
            **{"from": _text_or_null("The node it leaves.")},
            to=_text_or_null("The node where it will run."),
            reasons=_list(
                "Why.",
                _object(
                    "One reason.",
                    code=_text("Short and stable."),
                    text=_text("For people."),
                    file=_FILE,
                    line=_LINE,
                ),
            ),
            depends_on=_list("Addresses of changes that come before.", {"type": "string"}),
            disruptive=_flag("Something that runs now is interrupted."),
            destructive=_flag("Something is removed for good."),
        ),
    ),
    summary=_object(
        "How many changes of each sort.",
        add=_whole("Will newly run."),
        change=_whole("Moved, restarted, recovered, updated, ..."),
        destroy=_whole("Stopped, or removed for good."),
    ),
    blocked=_list("What is asked for and cannot be done.", _OBSTACLE),
    gates=_list("What waits for a person to let it through.", _OBSTACLE),
    complete=_flag("False: a part of the world could not be observed."),
    plan_hash=_text("Equal for equal changes."),
)

_EVENT = _object(
    "Something that was decided, done or seen; on the control socket.",
    at=_AT,
    code=_text("Short and stable."),
    severity=_one_of("How soon a person should look.", *(severity.value for severity in Severity)),
    subject=_text("The resource or node it is about; may be empty."),
    text=_text("For people."),
)

_LOGS = _list(
    "A resource's last results, newest first; `reconcile logs -o json`.",
    _object(
        "One result.",
        finished_at=_AT,
        node=_text("Where it ran."),
        operation=_text("start, stop, monitor, ..."),
        interval_ms=_whole("0: not recurring."),
        rc={"type": "integer", "description": "The resource agent's exit code."},
        status={"type": "integer", "description": "Pacemaker's execution status; 0: it ran to its end."},
        reason=_text("The resource agent's exit reason."),
        output=_text("The end of what it printed."),
        took_ms=_whole("How long it ran."),
        commit=_text("The commit in force; empty for files that are taken as they are."),
        text=_text("How it ended, in a few words."),
    ),
)

_WHY = _object(
    "Why a resource is where it is; `reconcile why -o json`.",
    format_version={"const": WHY_VERSION},
    resource=_text("What was asked for."),
    kind=_one_of("What it is.", "guest", "primitive", "group", "clone"),
    file=_FILE,
    line=_LINE,
    parts=_list(
        "What it consists of: itself, a group's members, a clone's instances.",
        _object(
            "Why one of them is assigned as it is.",
            resource=_text("Its name; of a clone's instance with its number."),
            **{"from": _text_or_null("Where it runs.")},
            to=_text_or_null("Where it is to run."),
            rule=_one_of("What decided.", *(rule.value for rule in Rule)),
            text=_text("The same for people."),
            nodes=_list(
                "All nodes: the chosen one first, then by score.",
                _object(
                    "How one node stands.",
                    node=_text("Its name."),
                    chosen=_flag("It is to run there."),
                    score={
                        "type": ["integer", "null"],
                        "description": "What the terms come to; null: never there. INFINITY is 1000000.",
                    },
                    assigned_before=_whole("Resources that had been assigned to the node; fewer win a tie."),
                    verdict=_text("Why it won or lost, for people."),
                    terms=_list(
                        "What the score is made of, in the order in which it was.",
                        _object(
                            "One term.",
                            kind=_one_of("What it is about.", *(cause.value for cause in Cause)),
                            text=_text("For people."),
                            value={
                                "type": ["integer", "null"],
                                "description": "Added by infinity math; null: it replaces the score.",
                            },
                            score={"type": "integer", "description": "What the score is with it."},
                            file=_FILE,
                            line=_LINE,
                        ),
                    ),
                ),
            ),
        ),
    ),
)

_FARED = {
    "resource": _text("Its name; of a clone, what is cloned."),
    "from": _list("Where it ran.", {"type": "string"}),
    "to": _list("Where it runs in the end.", {"type": "string"}),
    "file": _FILE,
    "line": _LINE,
}

_WHAT_IF = _object(
    "What faults lead to; `reconcile simulate -o json`.",
    format_version={"const": WHAT_IF_VERSION},
    scenarios=_list(
        "One for each fault; with --all-single-failures the first is without one of these.",
        _object(
            "What one fault leads to, after all that the planner does about it.",
            failed=_list("Hosts and guests that fail.", {"type": "string"}),
            failed_resources=_list("Resources that fail where they run.", {"type": "string"}),
            standby=_list("Hosts that are asked to run nothing.", {"type": "string"}),
            moved=_list("What runs elsewhere.", _object("A resource.", **_FARED)),
            restarted=_list("What starts again where it was.", _object("A resource.", **_FARED)),
            fewer=_list("Clones with fewer instances.", _object("A resource.", **_FARED)),
            cannot_run=_list(
                "What should run and cannot.",
                _object(
                    "A resource.",
                    **_FARED,
                    text=_text("Why; may be empty."),
                    allowed=_flag("--may-stop names it."),
                ),
            ),
            overloaded=_list(
                "Nodes on which more is needed than there is.",
                _object(
                    "One capacity of one node.",
                    node=_text("The node."),
                    capacity=_text("The name of the capacity."),
                    needed=_whole("By what runs there."),
                    available=_whole("By the node's declaration."),
                ),
            ),
            ok=_flag("All that must run runs, and no node is overloaded."),
        ),
    ),
    ok=_flag("All scenarios are."),
)

_SCHEMAS: dict[str, tuple[str, Document]] = {
    "event": ("reconciler event", _EVENT),
    "logs": ("reconciler logs", _LOGS),
    "plan": ("reconciler plan", _PLAN),
    "status": ("reconciler status", _STATUS),
    "what-if": ("reconciler what-if", _WHAT_IF),
    "why": ("reconciler why", _WHY),
}

NAMES = tuple(_SCHEMAS)

if __name__ == "__main__":
    sys.stdout.write(document_schema_text(sys.argv[1]))
