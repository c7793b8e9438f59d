"""Operations are declared with names, intervals and roles."""

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.resource import Operation, Role
from tests.pacemaker.cibs import cib, dummy, op, ran, read


def monitors(*declared: str) -> tuple[Operation, ...]:
    operations = "".join(f'<op id="o{n}" name="monitor" {text}/>' for n, text in enumerate(declared))
    given = read(cib(dummy("r", f"<operations>{operations}</operations>")))
    return given.intent.resources[ResourceId("r")].monitors()


def test_a_monitor_may_be_for_a_role_by_its_old_name_too() -> None:
    got = monitors('interval="5s" role="Master"', 'interval="6s" role="Started"', 'interval="7s"')
    assert [m.role for m in got] == [Role.PROMOTED, Role.STARTED, None]


def test_of_monitors_with_the_same_interval_none_is_run() -> None:
    assert monitors('interval="5s" role="Promoted"', 'interval="5s" role="Unpromoted"') == ()


def test_a_monitor_that_cannot_be_told_from_another_is_not_ended() -> None:
    twice = '<op id="o1" name="monitor" interval="5s"/><op id="o2" name="monitor" interval="5s"/>'
    resource = dummy("r", f"<operations>{twice}</operations>")
    given = read(cib(resource, status=ran("r", op("start", 1), op("monitor", 2, interval=5000))))
    assert given.observed.instances[ResourceId("r"), NodeName("n1")].monitors == frozenset()
