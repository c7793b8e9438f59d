"""Writes small random CIBs: two to five nodes, primitives, groups and clones, all kinds of constraints, and history.

Those with guests have guest nodes besides; rich ones guest nodes, promotable clones and capacity; and those with
tickets are rich, and much in them needs a ticket.
"""

from dataclasses import dataclass, field
from enum import Enum
from random import Random

from reconciler.pacemaker.digests import parameters_digest

_SCORES = ["INFINITY", "-INFINITY", "100", "50", "10", "-10", "-100", "1000"]
DEFAULT_TIMEOUT_MS = 20_000
_AGENT = 'class="ocf" provider="pacemaker" type="Dummy"'


class Content(Enum):
    """What is in a CIB."""

    PLAIN = "plain"
    GUESTS = "guests"
    RICH = "rich"
    TICKETS = "tickets"


def content_of(seed: int) -> Content:
    """Return what the CIB of a seed has in it where all kinds are to come in turn."""
    return Content.RICH if seed % 2 else Content.PLAIN


@dataclass
class _Cib:
    """A CIB while it is made up."""

    random: Random
    nodes: list[str]
    numbers: int = 0
    leaves: list[str] = field(default_factory=list)
    """Primitives that are in no clone."""
    cloned: list[str] = field(default_factory=list)
    """Primitives of which there are instances."""
    monitored: set[str] = field(default_factory=set)
    """Primitives with a recurring monitor."""
    tops: list[str] = field(default_factory=list)
    """All that constraints are about."""
    resources: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    promotable: list[str] = field(default_factory=list)
    """Promotable clones."""
    stateful: list[str] = field(default_factory=list)
    """What they are made from."""
    guests: dict[str, str] = field(default_factory=dict)
    """Guest nodes, and what runs them."""
    tickets: list[str] = field(default_factory=list)
    """The states of tickets."""
    has_capacity: bool = False

    def chance(self, percent: int) -> bool:
        return self.random.random() * 100 < percent

    def new_id(self, kind: str) -> str:
        self.numbers += 1
        return f"{kind}{self.numbers}"

    def meta(self, **options: str) -> str:
        """Meta-attributes of a resource, some of them its own."""
        found = dict(options)
        if self.chance(25):
            found["resource-stickiness"] = self.random.choice(["0", "1", "50", "100", "INFINITY"])
        if self.chance(8):
            found["target-role"] = "Stopped"
        if self.chance(15):
            found["priority"] = self.random.choice(["1", "5", "10"])
        if self.chance(15):
            found["migration-threshold"] = self.random.choice(["1", "2"])
        pairs = "".join(f'<nvpair id="{self.new_id("n")}" name="{k}" value="{v}"/>' for k, v in found.items())
        return f'<meta_attributes id="{self.new_id("m")}">{pairs}</meta_attributes>' if found else ""

    def primitive(self) -> tuple[str, str]:
        name, op = self.new_id("r"), ""
        if self.chance(50):
            self.monitored.add(name)
            op = f'<operations><op id="{name}-m" name="monitor" interval="10s"/></operations>'
        return name, f'<primitive id="{name}" {_AGENT}>{self.meta()}{op}{self.utilization(1, 3)}</primitive>'

    def utilization(self, least: int, most: int) -> str:
        """What something needs, or a node has."""
        if not self.has_capacity:
            return ""
        name, amount = self.new_id("u"), self.random.randint(least, most)
        return f'<utilization id="{name}"><nvpair id="{name}-n" name="cpu" value="{amount}"/></utilization>'


def random_cib(seed: int, content: Content = Content.PLAIN) -> bytes:
    """Return the CIB of a seed; the same for the same seed."""
    random = Random(seed)
    cib = _Cib(random=random, nodes=[f"n{i + 1}" for i in range(random.randint(2, 5))])
    is_rich = content in {Content.RICH, Content.TICKETS}
    cib.has_capacity = is_rich and cib.chance(30)
    for _ in range(0 if content is Content.PLAIN else random.choice([0, 1, 1, 2])):
        _add_guest(cib)
    if is_rich and cib.chance(50):
        _add_promotable(cib)
    for _ in range(random.randint(1, 5)):
        _add_resource(cib)
    for _ in range(random.randint(0, 4)):
        _add_constraint(cib)
    if len(cib.tops) > 2 and cib.chance(15):
        _add_set(cib)
    if content is Content.TICKETS:
        _add_tickets(cib)
    return _written(cib)


def _add_resource(cib: _Cib) -> None:
    kind = cib.random.choices(["primitive", "group", "clone", "cloned group"], [5, 3, 3, 1])[0]
    members = [cib.primitive() for _ in range(cib.random.randint(2, 3) if "group" in kind else 1)]
    names, text = [name for name, _ in members], "".join(xml for _, xml in members)
    top = names[0]
    if "group" in kind:
        top = cib.new_id("g")
        text = f'<group id="{top}">{cib.meta()}{text}</group>'
    if "clone" in kind:
        top = cib.new_id("c")
        options = {}
        if cib.chance(40):
            options["clone-max"] = str(cib.random.randint(1, 4))
        if cib.chance(40):
            options["interleave"] = "true"
        if cib.chance(20):
            options["ordered"] = "true"
        text = f'<clone id="{top}">{cib.meta(**options)}{text}</clone>'
    (cib.cloned if "clone" in kind else cib.leaves).extend(names)
    cib.tops.append(top)
    if kind == "group" and cib.chance(20):
        cib.tops.append(names[-1])
    cib.resources.append(text)


def _add_guest(cib: _Cib) -> None:
    name = cib.new_id("vm")
    node = f"g{name}"
    cib.guests[node] = name
    cib.leaves.append(name)
    # Constraints of guests are locations: what is placed with a guest is not in it.
    inner = cib.meta(**{"remote-node": node}) + cib.utilization(1, 3)
    cib.resources.append(f'<primitive id="{name}" {_AGENT}>{inner}</primitive>')
    if cib.chance(40):
        where, score = cib.random.choice(cib.nodes), cib.random.choice(_SCORES)
        cib.constraints.append(
            f'<rsc_location id="{cib.new_id("k")}" rsc="{name}" node="{where}" score="{score}"/>'
        )


def _add_promotable(cib: _Cib) -> None:
    name, top = cib.new_id("r"), cib.new_id("c")
    options = {"promotable": "true"}
    if cib.chance(30):
        options["promoted-max"] = "2"
    if cib.chance(30):
        options["clone-max"] = str(cib.random.randint(1, 4))
    inner = f'<primitive id="{name}" {_AGENT}>{cib.utilization(1, 2)}</primitive>'
    cib.resources.append(f'<clone id="{top}">{cib.meta(**options)}{inner}</clone>')
    cib.stateful.append(name)
    cib.promotable.append(top)
    cib.tops.append(top)
    if cib.chance(40):
        key, score = cib.new_id("k"), cib.random.choice(_SCORES)
        rule = (
            f'<rule id="{key}-r" role="Promoted" score="{score}"><expression id="{key}-e" attribute="#uname" '
            f'operation="eq" value="{cib.random.choice(cib.nodes)}"/></rule>'
        )
        cib.constraints.append(f'<rsc_location id="{key}" rsc="{top}">{rule}</rsc_location>')


def _add_constraint(cib: _Cib) -> None:
    name, score = cib.new_id("k"), cib.random.choice(_SCORES)
    kind = cib.random.choices(["location", "rule", "colocation", "order"], [5, 2, 5, 3])[0]
    if kind in {"location", "rule"} or len(cib.tops) < 2:
        subject, node = cib.random.choice(cib.tops), cib.random.choice([*cib.nodes, *cib.guests])
        if kind != "rule":
            cib.constraints.append(
                f'<rsc_location id="{name}" rsc="{subject}" node="{node}" score="{score}"/>'
            )
            return
        test, value = cib.random.choice([("#uname", node), ("rack", cib.random.choice("12"))])
        operation = cib.random.choice(["eq", "ne"])
        cib.constraints.append(
            f'<rsc_location id="{name}" rsc="{subject}"><rule id="{name}-r" score="{score}"><expression '
            f'id="{name}-e" attribute="{test}" operation="{operation}" value="{value}"/></rule></rsc_location>'
        )
        return
    one, other = cib.random.sample(cib.tops, 2)
    if kind == "colocation":
        same = ' node-attribute="rack"' if cib.chance(10) else ""
        if other in cib.promotable and cib.chance(60):
            same += ' with-rsc-role="Promoted"'
        cib.constraints.append(
            f'<rsc_colocation id="{name}" rsc="{one}" with-rsc="{other}" score="{score}"{same}/>'
        )
        return
    # Orders in the order of declaration only: circles are another matter.
    one, other = sorted((one, other), key=cib.tops.index)
    how = cib.random.choice(["Mandatory", "Optional", "Serialize"])
    action = ' first-action="promote"' if one in cib.promotable and cib.chance(50) else ""
    cib.constraints.append(f'<rsc_order id="{name}" first="{one}" then="{other}" kind="{how}"{action}/>')


def _add_set(cib: _Cib) -> None:
    name = cib.new_id("k")
    chosen = cib.random.sample(cib.tops, 3 if len(cib.tops) == 3 or cib.chance(60) else 4)
    refs = "".join(f'<resource_ref id="{one}"/>' for one in chosen)
    sequential = cib.random.choice(["true", "false"])
    inner = f'<resource_set id="{name}-s" sequential="{sequential}">{refs}</resource_set>'
    if cib.chance(60):
        score = cib.random.choice(["INFINITY", "100"])
        cib.constraints.append(f'<rsc_colocation id="{name}" score="{score}">{inner}</rsc_colocation>')
        return
    refs = "".join(f'<resource_ref id="{one}"/>' for one in sorted(chosen, key=cib.tops.index))
    inner = f'<resource_set id="{name}-s" sequential="{sequential}">{refs}</resource_set>'
    cib.constraints.append(f'<rsc_order id="{name}">{inner}</rsc_order>')


def _add_tickets(cib: _Cib) -> None:
    for ticket in ("T", "U"):
        granted, standby = ("true" if cib.chance(percent) else "false" for percent in (40, 25))
        if cib.chance(80):
            cib.tickets.append(f'<ticket_state id="{ticket}" granted="{granted}" standby="{standby}"/>')
        for top in cib.tops:
            if not cib.chance(40):
                continue
            name, policy = cib.new_id("k"), cib.random.choice(["stop", "demote", "freeze", "fence"])
            role = ' rsc-role="Promoted"' if top in cib.promotable and cib.chance(70) else ""
            cib.constraints.append(
                f'<rsc_ticket id="{name}" rsc="{top}" ticket="{ticket}" loss-policy="{policy}"{role}/>'
            )


def _written(cib: _Cib) -> bytes:
    standby = {node for node in cib.nodes if cib.chance(8)}
    offline = {node for node in cib.nodes[1:] if cib.chance(8)}
    options = {"stonith-enabled": "false", "no-quorum-policy": "ignore"}
    if cib.chance(10):
        options["symmetric-cluster"] = "false"
    if cib.has_capacity:
        options["placement-strategy"] = cib.random.choice(["utilization", "minimal", "balanced"])
    pairs = "".join(f'<nvpair id="o-{k}" name="{k}" value="{v}"/>' for k, v in options.items())
    defaults = ""
    if cib.chance(40):
        value = cib.random.choice(["1", "100"])
        pair = f'<nvpair id="d-s" name="resource-stickiness" value="{value}"/>'
        defaults = f'<rsc_defaults><meta_attributes id="d">{pair}</meta_attributes></rsc_defaults>'
    nodes = "".join(_node(cib, number, node, node in standby) for number, node in enumerate(cib.nodes))
    # Without an entry, and without fencing, a guest node that has not been up has no #uname in Pacemaker: rules do not
    # know it, and to a colocation it is the same place as any other such node, so that groups are torn apart.
    nodes += "".join(f'<node id="{node}" uname="{node}" type="remote"/>' for node in cib.guests)
    history = _history(cib, [n for n in cib.nodes if n not in offline])
    status = "".join(
        _state(number, node, node not in offline, history.get(node, ""), _scores(cib, node))
        for number, node in enumerate(cib.nodes)
    )
    for node in cib.guests:
        inner = f'<lrm id="{node}"><lrm_resources>{history.get(node, "")}</lrm_resources></lrm>'
        # What a guest node has said ends with it.
        inner += _scores(cib, node) if node in history else ""
        status += f'<node_state id="{node}" uname="{node}" remote_node="true">{inner}</node_state>'
    tickets = f"<tickets>{''.join(cib.tickets)}</tickets>" if cib.tickets else ""
    return (
        '<cib validate-with="pacemaker-3.7" admin_epoch="0" epoch="1" num_updates="0" have-quorum="1" dc-uuid="1" '
        f'execution-date="1800000000"><configuration><crm_config><cluster_property_set id="o">{pairs}'
        f"</cluster_property_set></crm_config><nodes>{nodes}</nodes><resources>{''.join(cib.resources)}</resources>"
        f"<constraints>{''.join(cib.constraints)}</constraints>{defaults}</configuration>"
        f"<status>{tickets}{status}</status></cib>"
    ).encode()


def _node(cib: _Cib, number: int, name: str, is_standby: bool) -> str:
    pairs = f'<nvpair id="{name}-r" name="rack" value="{cib.random.choice("12")}"/>'
    if is_standby:
        pairs += f'<nvpair id="{name}-s" name="standby" value="on"/>'
    inner = f'<instance_attributes id="{name}-a">{pairs}</instance_attributes>'
    return f'<node id="{number + 1}" uname="{name}">{inner}{cib.utilization(2, 8)}</node>'


def _scores(cib: _Cib, node: str) -> str:
    """How well what can be promoted suits that on a node, by its own word."""
    pairs = "".join(
        f'<nvpair id="{node}-s-{name}" name="master-{name}" value="{cib.random.choice([5, 10, 100])}"/>'
        for name in cib.stateful
        if cib.chance(60)
    )
    inner = f'<instance_attributes id="{node}-t">{pairs}</instance_attributes>'
    return f'<transient_attributes id="{node}">{inner}</transient_attributes>' if pairs else ""


def _state(number: int, name: str, is_online: bool, history: str, scores: str) -> str:
    words = ("true", "online", "member") if is_online else ("false", "offline", "down")
    return (
        f'<node_state id="{number + 1}" uname="{name}" in_ccm="{words[0]}" crmd="{words[1]}" join="{words[2]}" '
        f'expected="{words[2]}"><lrm id="{number + 1}"><lrm_resources>{history}</lrm_resources></lrm>{scores}'
        "</node_state>"
    )


def _history(cib: _Cib, online: list[str]) -> dict[str, str]:
    """What ran where: most primitives at one place, instances of clones at several, some of them failed."""
    found: dict[str, str] = {}
    hosts = online
    for node, name in cib.guests.items():
        if cib.chance(70):
            host = cib.random.choice(hosts)
            remote = _AGENT.replace("Dummy", "remote") + f' container="{name}"'
            _ran(found, host, name, _operation(name, "start", 1, 0))
            _ran(found, host, node, _operation(node, "start", 1, 0), remote)
            online = [*online, node]
    for name in [*cib.leaves, *cib.cloned, *cib.stateful]:
        if name in cib.guests.values() or not cib.chance(60):
            continue
        is_cloned = name in cib.cloned or name in cib.stateful
        places = cib.random.sample(online, cib.random.randint(1, len(online)) if is_cloned else 1)
        for node in places:
            ops = _operation(name, "start", 1, 0)
            if name in cib.stateful:
                is_promoted = node == places[0] and cib.chance(50)
                ops = _operation(name, "promote", 2, 0) if is_promoted else ops
            elif cib.chance(12):
                failed = cib.random.choice(["monitor", "start"]) if name in cib.monitored else "start"
                ops = ops if failed == "monitor" else ""
                ops += _operation(name, failed, 2, 1, 10_000 if failed == "monitor" else 0)
            _ran(found, node, name, ops)
    return found


def _ran(found: dict[str, str], node: str, name: str, ops: str, agent: str = _AGENT) -> None:
    found[node] = found.get(node, "") + f'<lrm_resource id="{name}" {agent}>{ops}</lrm_resource>'


def _operation(name: str, operation: str, call: int, rc: int, interval: int = 0) -> str:
    # Without the digest of what it ran with, everything would be restarted.
    digest = parameters_digest({}, DEFAULT_TIMEOUT_MS if interval else None)
    last = "last_failure" if rc else "last"
    key = f"{call}:1:0:00000000-0000-0000-0000-000000000000"
    return (
        f'<lrm_rsc_op id="{name}_{last}_0" operation_key="{name}_{operation}_{interval}" '
        f'operation="{operation}" crm-debug-origin="x" crm_feature_set="3.17.4" transition-key="{key}" '
        f'transition-magic="0:{rc};{key}" exit-reason="" on_node="x" call-id="{call}" rc-code="{rc}" op-status="0" '
        f'op-digest="{digest}" interval="{interval}" last-rc-change="1799999000" exec-time="1" queue-time="0"/>'
    )
