"""How often Python looks for circles of objects that nothing else holds."""

import gc

_NEW_OBJECTS = 200_000
"""More than a plan for two thousand resources makes, and no circles; Python's own 700 cost it a third of its time."""


def collect_rarely() -> None:
    """Look for circles only after as many objects were made as a large plan makes."""
    gc.set_threshold(_NEW_OBJECTS, 10, 10)
