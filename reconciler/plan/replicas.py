"""Says what of a bundle's replicas waits for what, beside that they are started and stopped as a clone is.

The rules (Pacemaker lib/pacemaker/pcmk_sched_bundle.c, create_replica_probes):

* Where there is room for one replica on a host, none starts there before all others were looked for: one that is found
  has the place, and its ports.
* A connection is looked for once its container runs, for where that is decides where it is connected.
"""

from reconciler.model.collective import Bundle
from reconciler.model.transition import ActionKind
from reconciler.plan.situation import Situation
from reconciler.plan.steps import Steps


def order_replicas(situation: Situation, steps: Steps) -> None:
    """Add the edges between the actions on the replicas of bundles."""
    for cloned in situation.clones.values():
        if cloned.bundle is not None:
            _order_probes(situation, cloned.bundle, steps)


def _order_probes(situation: Situation, bundle: Bundle, steps: Steps) -> None:
    probes = [p for r in bundle.replicas for p in steps.of(ActionKind.PROBE, r.container)]
    for replica in bundle.replicas:
        starts = steps.of(ActionKind.START, replica.container)
        for start in starts if bundle.node_max == 1 else ():
            steps.order_all([p.id for p in probes if p.node == start.node], start.id)
        if replica.connection is None or situation.active(replica.container):
            continue
        for probe in steps.of(ActionKind.PROBE, replica.connection):
            steps.order_all([start.id for start in starts], probe.id)
