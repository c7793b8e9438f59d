"""Finds what has to wait for a second run of something that is in flight.

What is being started may have to be stopped, and started again. Both starts have one name, and so a plan can hold only
the one in flight: what waits for the second is left to the plan after this one.
"""

from collections.abc import Set

from reconciler.model.names import ActionId
from reconciler.plan.index import grouped
from reconciler.plan.steps import Steps


def left_for_later(steps: Steps, in_flight: Set[ActionId]) -> Set[ActionId]:
    """Return the actions of a plan that wait, directly or not, for something in flight to be done once more.

    Something is done once more if it comes before an action that comes before it. Such an action waits for the first
    run; all others that wait for it do so for the second.
    """
    second: set[ActionId] = set()
    for name in sorted(in_flight & steps.actions.keys()):
        earlier = steps.ancestors(name)
        if name in earlier:
            second |= {then for then in steps.actions if name in steps.before(then) and then not in earlier}
    return _with_followers(steps, second) if second else second


def _with_followers(steps: Steps, names: Set[ActionId]) -> Set[ActionId]:
    """Return actions with all that wait for them."""
    followers = grouped((before, then) for then in steps.actions for before in steps.before(then))
    found: set[ActionId] = set()
    open_names = sorted(names)
    while open_names:
        name = open_names.pop()
        if name not in found:
            found.add(name)
            open_names += followers.get(name, ())
    return found
