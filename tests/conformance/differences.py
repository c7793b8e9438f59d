"""Why our plan is not Pacemaker's, for each case up to level 6, or with bundles, where it is not: one line each."""

_NUMBER = "a clone that is counted says again that it starts, when an instance of it stops for good"

DIFFERENCES = {
    "bug-lf-2453": "the reason names what cannot start, not that it is required: same actions",
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
    "cloned-group-stop": "the reasons name what cannot start, not that it is required: same actions",
    "guest-host-not-fenceable": "what cannot be stopped keeps its place, so that quorum is what lacks, and not a node",
    "group11": "a group of which a member in the middle stops for good says that it starts: it runs nothing",
    "mon-rsc-4": "a start without a result stays in crm_simulate's record after the stop, and counts as running there",
    "remote-orphaned2": "histories of remote nodes without any connection are not read: nothing can be done there",
}
