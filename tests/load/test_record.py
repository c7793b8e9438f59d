import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.load.record import dump_plan_input, from_json, load_plan_input, to_json
from reconciler.model.errors import UsageError
from reconciler.model.history import ConnectionFailure, FailureCount, History
from reconciler.model.intent import Intent
from reconciler.model.names import ActionId, NodeName, ResourceId
from reconciler.model.node import GuestType, LinkReason, NodeKind, NodeState
from reconciler.model.observed import Failure, Instance, NodeStatus, Observed, Pending, StartedAs
from reconciler.model.operation import Monitor
from reconciler.model.resource import ResourceAgent, Role
from tests.load.texts import guest, host, load_text, resource

TEXT = (
    host("host1", '{agent: local, libvirt: {lxc: "lxc:///"}, capacity: {memory: 4Gi}}', "{rack: r1}")
    + guest("vm-guest1", "domain: {xml: vm.xml}", node="guest1", guest_type="lxc")
    + guest("vm-guest2", "hardware: {rootfs: /srv/guest2, nics: [{network: default}]}", guest_type="lxc")
    + resource("a", "params: {b: 1, c: 'ü'}", "placement: {on: [guest1], prefer: {guest1: -INFINITY}}")
    + resource("b", "placement: {apartFrom: [a]}", "after: [{resource: a, kind: optional}]")
)

NODES = st.sampled_from([NodeName("host1"), NodeName("guest1")])
RESOURCES = st.sampled_from([ResourceId("a"), ResourceId("b.c-d_e")])
TIMES = st.floats(min_value=0, max_value=1e10)
TEXTS = st.text(max_size=5)
COUNTS = st.integers(0, 10**9)
AGENTS = st.builds(ResourceAgent, standard=TEXTS, provider=TEXTS, type=TEXTS)
STARTED = st.none() | st.builds(StartedAs, agent=AGENTS, params=st.dictionaries(TEXTS, TEXTS, max_size=2))
MONITORS = st.frozensets(st.builds(Monitor, interval_ms=COUNTS, timeout_ms=COUNTS), max_size=3)

INSTANCES = st.builds(
    Instance,
    resource=RESOURCES,
    node=NODES,
    role=st.sampled_from(Role),
    started_as=STARTED,
    failure=st.none() | st.builds(Failure, operation=TEXTS, rc=COUNTS, text=TEXTS, is_hard=st.booleans()),
    monitors=MONITORS,
    note=TEXTS,
)
STATUSES = st.builds(
    NodeStatus,
    name=NODES,
    kind=st.sampled_from(NodeKind),
    state=st.sampled_from(NodeState),
    reason=st.none() | st.sampled_from(LinkReason),
    hypervisors=st.frozensets(st.sampled_from(GuestType)),
)
OBSERVED = st.builds(
    Observed,
    nodes=st.dictionaries(NODES, STATUSES, max_size=2),
    instances=st.dictionaries(st.tuples(RESOURCES, NODES), INSTANCES, max_size=3),
    pending=st.lists(
        st.builds(Pending, id=st.just(ActionId("a_start_0@b")), kind=TEXTS, node=NODES, started_as=STARTED),
        max_size=2,
    ).map(tuple),
)
HISTORIES = st.builds(
    History,
    failures=st.dictionaries(
        st.tuples(RESOURCES, NODES),
        st.builds(FailureCount, count=COUNTS, last_at=TIMES, text=TEXTS),
        max_size=2,
    ),
    connections=st.dictionaries(
        NODES,
        st.builds(
            ConnectionFailure, count=COUNTS, last_at=TIMES, reason=st.sampled_from(LinkReason), text=TEXTS
        ),
        max_size=2,
    ),
    restarts=st.frozensets(RESOURCES),
    allowed_destroys=st.frozensets(RESOURCES),
)


def intent() -> Intent:
    loaded = load_text(TEXT)
    assert [str(problem) for problem in loaded.problems] == []
    assert loaded.intent is not None
    return loaded.intent


@settings(max_examples=10)
@given(OBSERVED, HISTORIES, TIMES)
def test_what_is_saved_is_what_is_loaded(observed: Observed, history: History, now: float) -> None:
    text = dump_plan_input(Intent(), observed, history, now)
    assert load_plan_input(text) == (Intent(), observed, history, now)
    assert dump_plan_input(*load_plan_input(text)) == text


def test_an_intent_keeps_everything_places_of_fields_too() -> None:
    want = intent()
    got, _, _, _ = load_plan_input(dump_plan_input(want, Observed(), History(), 0.0))
    assert got == want
    assert [r.fields for r in got.resources.values()] == [r.fields for r in want.resources.values()]
    assert list(got.resources) == list(want.resources)


def test_former_guests_are_kept() -> None:
    guests = {r.id: r for r in intent().resources.values() if r.guest is not None}
    history = History(former=guests)
    assert from_json(History, to_json(history)) == history


def test_equal_sets_give_equal_text() -> None:
    names = [ResourceId(f"r{n}") for n in range(50)]
    one, other = History(restarts=frozenset(names)), History(restarts=frozenset(reversed(names)))
    assert to_json(one) == to_json(other)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "{", '{"format": "x"}', "[" * 100_000, '{"format": "reconciler-plan-input/1"}']
)
def test_what_was_not_saved_by_us_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        load_plan_input(text)


def test_another_format_says_which() -> None:
    text = dump_plan_input(Intent(), Observed(), History(), 0.0).replace("input/1", "input/9")
    with pytest.raises(UsageError) as caught:
        load_plan_input(text)
    want = "this saved planner input has the format reconciler-plan-input/9, not reconciler-plan-input/1"
    assert str(caught.value) == want
