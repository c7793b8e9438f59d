"""Why our plan is not Pacemaker's, for each case where it is not: one line each."""

_NUMBER = "a clone that is counted says again that it starts, when an instance of it stops for good"

_REQUIRED = "the reason names what cannot start, not that it is required: same actions"
_PENDING = (
    "a start without a result stays in crm_simulate's record after the stop, and counts as running there"
)
_HELD = "what cannot be stopped, on a node that is lost and cannot be fenced, is held, and not told as a blocked stop"

DIFFERENCES = {
    "764": _PENDING,
    "anon-instance-pending": "instances that start have other numbers, on the same nodes: same actions",
    "bug-cl-5212": _HELD,
    "bug-cl-5247": "what failed in a guest that ended stays in crm_simulate's record, and counts as running there",
    "bug-lf-2453": _REQUIRED,
    "bug-rh-880249": "a promoted instance of what is no promotable clone is demoted before it stops: roles are missing",
    "bundle-order-partial": "its summary is an old version's, in a format that says nothing to be compared",
    "bundle-replicas-change": "the reason of a restart is named that Pacemaker does not name here: same actions",
    "clone-interleave-2": _NUMBER + "; what has no instance beside it is told with another reason",
    "clone-require-all-6": _NUMBER,
    "clone_min_interleave_stop_one": _NUMBER,
    "clone_min_interleave_stop_two": _NUMBER
    + "; the reason names what cannot start, not that it is required",
    "clone_min_stop_one": _NUMBER,
    "clone_min_stop_two": _NUMBER,
    "cloned-group-stop": _REQUIRED,
    "complex_enforce_colo": _REQUIRED,
    "group-dependents": "what stops before, and starts after, what is not moved live is not moved live either",
    "guest-host-not-fenceable": "what cannot be stopped keeps its place, so that quorum is what lacks, and not a node",
    "group11": "a group of which a member in the middle stops for good says that it starts: it runs nothing",
    "inc6": "an instance of a unique clone that was stopped stays in crm_simulate's record, and counts as there",
    "migrate-shutdown": "the other end of a move that was interrupted is told as a stop of its own",
    "mon-rsc-4": _PENDING,
    "order_constraint_stops_promoted": _REQUIRED,
    "order_constraint_stops_unpromoted": _REQUIRED,
    "probe-2": "the reason of a restart is named that Pacemaker does not name here: same actions",
    "promoted-partially-demoted-group": "the promotion of a group as a whole is not told: it runs nothing",
    "remote-connection-unrecoverable": "why a node is fenced is told in other words: same actions",
    "remote-orphaned2": "histories of remote nodes without any connection are not read: nothing can be done there",
    "stonith-0": "of what failed on a node another one is named, and called recovered, not moved: same actions",
    "unrunnable-1": _HELD,
}
