from reconciler.plan.pauses import doubled, end_of_pause


def test_a_pause_doubles_up_to_its_limit_however_often_something_failed() -> None:
    assert [doubled(30.0, n, 300.0) for n in (0, 1, 4, 1_000_000)] == [30.0, 60.0, 300.0, 300.0]


def test_a_pause_ends_in_time_and_when_the_clock_is_set_back() -> None:
    ends = [end_of_pause(100.0, 10.0, now) for now in (100.0, 109.0, 110.0, 99.0)]
    assert ends == [110.0, 110.0, None, None]
