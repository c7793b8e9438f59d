from dataclasses import replace

from reconciler.model.names import NodeName, ResourceId
from reconciler.model.node import GuestType
from reconciler.model.observed import Failure, Instance, StartedAs
from reconciler.model.resource import ResourceAgent, Role
from reconciler.observe.domains import GuestFact, Hypervisors, guest_instance
from reconciler.ports import Domain

H1, H2 = NodeName("h1"), NodeName("h2")
VM1, VM2 = ResourceId("vm1"), ResourceId("vm2")
KEY = (H1, GuestType.LXC)
DOMAIN = Domain(resource=VM1, cluster="shop", digest="d1", uid="u1", is_running=True)


def fact(domain: Domain | None, sequence: int, **fields: bool) -> GuestFact:
    return GuestFact(domain=domain, guest_type=GuestType.LXC, sequence=sequence, **fields)


def read(*domains: Domain, sequence: int = 1, before: Hypervisors | None = None) -> Hypervisors:
    return (before or Hypervisors()).read(KEY, domains, sequence, "shop")


def test_a_reading_tells_what_is_there_and_that_the_hypervisor_answers() -> None:
    assert read(DOMAIN) == Hypervisors(
        facts={(VM1, H1): fact(DOMAIN, 1)}, readable=frozenset({KEY}), heard=frozenset({KEY})
    )


def test_what_is_no_longer_listed_is_gone() -> None:
    assert read(sequence=2, before=read(DOMAIN)).facts == {(VM1, H1): fact(None, 2)}


def test_other_clusters_guests_are_not_ours_to_look_at() -> None:
    theirs = replace(DOMAIN, cluster="other")
    assert read(theirs).facts == {}
    assert read(replace(DOMAIN, cluster="SHOP")).facts.keys() == {(VM1, H1)}


def test_a_reading_says_nothing_about_other_types_and_hosts() -> None:
    elsewhere = (
        Hypervisors()
        .with_fact(VM2, H2, fact(DOMAIN, 1))
        .with_fact(VM2, H1, replace(fact(DOMAIN, 1), guest_type=GuestType.VM))
    )
    assert read(sequence=2, before=elsewhere).facts == elsewhere.facts


def test_what_was_read_before_an_action_ended_does_not_overrule_it() -> None:
    started = Hypervisors().with_fact(VM1, H1, fact(DOMAIN, 5))
    assert read(sequence=4, before=started).facts == started.facts
    assert read(sequence=6, before=started).facts == {(VM1, H1): fact(None, 6)}


def test_a_hypervisor_that_does_not_answer_leaves_what_was_known() -> None:
    lost = read(DOMAIN).unreadable(KEY, "no route")
    assert lost == Hypervisors(
        facts={(VM1, H1): fact(DOMAIN, 1)}, heard=frozenset({KEY}), errors={KEY: "no route"}
    )
    assert read(DOMAIN, sequence=2, before=lost).errors == {}


def test_a_dead_host_runs_nothing() -> None:
    known = read(DOMAIN).with_fact(VM1, H2, fact(DOMAIN, 1, is_certain=False))
    assert known.without_host(H2, 9).facts == {(VM1, H1): fact(DOMAIN, 1), (VM1, H2): fact(None, 9)}


def test_a_guest_is_somewhere_only_when_it_is_at_one_place() -> None:
    once = read(DOMAIN).with_fact(VM1, H2, fact(None, 1))
    assert once.domain_of(VM1) == (H1, DOMAIN)
    assert once.domain_of(VM2) is None
    assert once.with_fact(VM1, H2, fact(DOMAIN, 2)).domain_of(VM1) is None


def test_guests_as_instances() -> None:
    agent = ResourceAgent(standard="guest", type="lxc")
    up = Instance(
        resource=VM1,
        node=H1,
        role=Role.STARTED,
        started_as=StartedAs(agent=agent, params={"digest": "d1"}),
    )
    crashed = replace(DOMAIN, is_running=False, text="paused")
    assert guest_instance(VM1, H1, fact(DOMAIN, 1)) == up
    assert guest_instance(VM1, H1, fact(None, 1)) == Instance(resource=VM1, node=H1, role=Role.STOPPED)
    failure = Failure(operation="monitor", rc=1, text="its domain is paused")
    assert guest_instance(VM1, H1, fact(crashed, 1)) == replace(up, failure=failure)


def test_after_an_unknown_outcome_a_guest_may_be_there_or_not() -> None:
    for domain in (None, DOMAIN):
        got = guest_instance(VM1, H1, fact(domain, 1, is_certain=False))
        note = "what became of its last action on h1 is not known yet"
        assert got == Instance(resource=VM1, node=H1, role=Role.UNKNOWN, note=note)
