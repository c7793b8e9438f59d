"""What all that is placed has in common; a part of the YAML documents, see `document.py`."""

from typing import Literal

from reconciler.load.document_conduct import Conduct
from reconciler.load.document_placement import After, Placement, Ticket
from reconciler.load.fields import Count


class Common(Conduct):
    """What guests, resources, groups and bundles have in common."""

    placement: Placement | None = None
    """Where it may and should run. Default: anywhere."""
    after: list[After] | None = None
    """Resources that it starts after, and stops before (Pacemaker: rsc_order)."""
    tickets: list[Ticket] | None = None
    """Tickets that this cluster must hold before it runs, of a cluster of several sites (Pacemaker: rsc_ticket)."""
    state: Literal["running", "stopped", "unpromoted"] | None = None
    """What is asked of it (Pacemaker: target-role); unpromoted only of promotable clones. Default running."""
    managed: bool | None = None
    """false: it is observed, and not started or stopped (Pacemaker: is-managed). Default true."""
    maintenance: bool | None = None
    """true: as managed: false, and not monitored either (Pacemaker: maintenance). Default false."""
    critical: bool | None = None
    """false: what it is placed with is not moved for its sake (Pacemaker: critical). Default true."""
    rank: Count | None = None
    """Breaks ties, lower first. Default: its position in the declaration, counted from 0."""
