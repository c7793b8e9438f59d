"""What a failure leads to, by what is declared for the operation that failed."""

from reconciler.model.observed import Failure
from reconciler.model.resource import OnFail, Resource


def on_fail_of(resource: Resource, failure: Failure) -> OnFail:
    """Return what a failure leads to; that the program is missing cannot be ignored, and bans the node.

    Source: Pacemaker lib/pengine/unpack.c, unpack_rsc_op.
    """
    on_fail = resource.operation(failure.operation, failure.interval_ms).on_fail
    return OnFail.BAN if on_fail is OnFail.IGNORE and failure.is_missing else on_fail


def is_ended_by_container(resource: Resource, failure: Failure) -> bool:
    """Tell whether something failed to stop, and is stopped again once its container has been.

    Source: Pacemaker lib/pengine/unpack.c, unpack_rsc_op; there it counts as stopped at once.
    """
    is_inside = resource.container is not None and failure.operation == "stop"
    return is_inside and on_fail_of(resource, failure) is OnFail.RESTART_CONTAINER
