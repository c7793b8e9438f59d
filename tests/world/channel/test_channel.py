import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import wire
from reconciler.model.attribute import AttributeChange
from reconciler.world.channel.channel import MAX_BURST, MAX_SESSIONS, MAX_WAITING, Channel, CibCache
from tests.world.channel.questions import G1, VIEW
from tests.world.links.peer import Heard

EXPECTED = wire.PROXY_FLAG_RESPONSE_EXPECTED | 0x100
ACK = wire.Element("ack", {"status": "0"})
RACK = AttributeChange(name="rack", value="r1")


@dataclass
class Told:
    """A channel, and what it has sent to the agent."""

    sent: list[wire.ProxyToAgent] = field(default_factory=list)
    changes: list[AttributeChange] = field(default_factory=list)
    is_told: asyncio.Event = field(default_factory=asyncio.Event)

    def channel(self) -> Channel:
        told = self

        class Listener(Heard):
            def on_attribute(self, node: object, change: AttributeChange) -> None:
                assert node == G1
                told.changes.append(change)

        def tell(said: wire.ProxyToAgent) -> None:
            self.sent.append(said)
            self.is_told.set()

        return Channel(G1, Listener(cluster=VIEW), tell, CibCache())


def play(scenario: Callable[[Told], Awaitable[None]]) -> Told:
    told = Told()

    async def run() -> None:
        await scenario(told)

    asyncio.run(run())
    return told


def update(
    session: str = "S", number: int = 1, flags: int = EXPECTED, **attributes: str
) -> wire.ProxyRequest:
    body = wire.Element(
        "op", {"t": "attrd", "task": "update", "attr_name": "rack", "attr_value": "r1", **attributes}
    )
    return wire.ProxyRequest(session, "proxy-17-S", "root", number, flags, body)


def test_an_answer_is_sent_after_the_change_and_only_to_who_waits_for_one() -> None:
    async def scenario(told: Told) -> None:
        channel = told.channel()
        channel.take(wire.ProxyNew("S", "attrd"))
        channel.take(update())
        channel.take(update(number=2, flags=0x100))

    got = play(scenario)
    assert (got.changes, got.sent) == ([RACK, RACK], [wire.ProxyResponse("S", 1, ACK)])


def test_what_is_refused_ends_the_connection_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(told: Told) -> None:
        channel = told.channel()
        channel.take(wire.ProxyNew("S", "attrd"))
        channel.take(update(attr_host="host1"))
        channel.take(update(number=2))

    got = play(scenario)
    assert (got.changes, got.sent) == ([], [wire.ProxyDestroy("S")] * 2)
    assert [(r.__dict__["node"], r.__dict__["action"]) for r in caplog.records] == [
        ("guest1", "an attribute of host1 (proxy-17-S)")
    ]


def test_daemons_that_we_are_not_and_too_many_programs_are_turned_away() -> None:
    async def scenario(told: Told) -> None:
        channel = told.channel()
        channel.take(wire.ProxyNew("X", "pacemakerd"))
        for number in range(MAX_SESSIONS + 1):
            channel.take(wire.ProxyNew(str(number), "attrd"))
        channel.take(wire.ProxyDestroy("0"))
        channel.take(wire.ProxyNew("again", "attrd"))

    assert play(scenario).sent == [wire.ProxyDestroy("X"), wire.ProxyDestroy(str(MAX_SESSIONS))]


def test_a_node_that_asks_too_much_waits_and_one_that_does_not_wait_is_cut_off() -> None:
    async def scenario(told: Told) -> None:
        channel = told.channel()
        channel.take(wire.ProxyNew("S", "attrd"))
        count = 0
        while not any(isinstance(said, wire.ProxyDestroy) for said in told.sent):
            count += 1
            channel.take(update(number=count, attr_name="other"))
        answered = sum(isinstance(said, wire.ProxyResponse) for said in told.sent)
        assert answered <= MAX_BURST
        assert count - answered == MAX_WAITING + 1
        channel.close()

    play(scenario)


def test_what_waited_is_answered_when_there_is_allowance_again() -> None:
    async def scenario(told: Told) -> None:
        channel = told.channel()
        channel.take(wire.ProxyNew("S", "attrd"))
        burst = int(MAX_BURST) + 3
        for number in range(burst):
            channel.take(update(number=number, task="refresh"))
        async with asyncio.timeout(60):
            while len(told.sent) < burst:
                told.is_told.clear()
                await told.is_told.wait()

    assert [said.message_id for said in play(scenario).sent if isinstance(said, wire.ProxyResponse)] == list(
        range(int(MAX_BURST) + 3)
    )


DAEMONS = ("attrd", "crmd", "cib_rw", "cib_ro", "stonith-ng")
NAMES = st.sampled_from(
    ["t", "task", "attr_name", "attr_regex", "attr_value", "attr_host", "crm_task", "cib_op", "cib_section",
     "cib_callopt", "st_op", "st_callopt", "id", "uname"]
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        ["attrd", "update", "query", "node-info", "cib_query", "cib_modify", "nodes", "4098", "st_fence"]
    ),
    st.text(max_size=20),
)
ELEMENTS = st.recursive(
    st.builds(wire.Element, st.sampled_from(["nodes", "node", "nvpair"]), st.dictionaries(NAMES, VALUES)),
    lambda inner: st.builds(
        wire.Element,
        st.sampled_from(["cib_calldata", "nodes", "node"]),
        st.dictionaries(NAMES, VALUES),
        st.lists(inner, max_size=3).map(tuple),
    ),
    max_leaves=6,
)


@settings(max_examples=200)
@given(
    server=st.sampled_from(["attrd", "crmd", "cib_rw", "cib_ro", "stonith-ng"]),
    bodies=st.lists(ELEMENTS, max_size=4),
)
def test_no_message_breaks_it(server: str, bodies: list[wire.Element]) -> None:
    async def scenario(told: Told) -> None:
        channel = told.channel()
        channel.take(wire.ProxyNew("S", server))
        for number, body in enumerate(bodies):
            channel.take(wire.ProxyRequest("S", "c", "u", number, EXPECTED, body))

    play(scenario)
