import gc

from reconciler.cli.collection import collect_rarely


def test_a_plan_is_not_interrupted_by_looks_for_circles() -> None:
    before = gc.get_threshold()
    try:
        collect_rarely()
        assert gc.get_threshold()[0] >= 50_000
    finally:
        gc.set_threshold(*before)
