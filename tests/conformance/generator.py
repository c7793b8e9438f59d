"""Writes small random CIBs: two to five nodes, primitives, groups and clones, all kinds of constraints, and history."""

from dataclasses import dataclass, field
from random import Random

_SCORES = ["INFINITY", "-INFINITY", "100", "50", "10", "-10", "-100", "1000"]
_AGENT = 'class="ocf" provider="pacemaker" type="Dummy"'


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
    tops: list[str] = field(default_factory=list)
    """All that constraints are about."""
    resources: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)

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
        name = self.new_id("r")
        op = (
            f'<operations><op id="{name}-m" name="monitor" interval="10s"/></operations>'
            if self.chance(50)
            else ""
        )
        return name, f'<primitive id="{name}" {_AGENT}>{self.meta()}{op}</primitive>'


def random_cib(seed: int) -> bytes:
    """Return the CIB of a seed; the same for the same seed."""
    random = Random(seed)
    cib = _Cib(random=random, nodes=[f"n{i + 1}" for i in range(random.randint(2, 5))])
    for _ in range(random.randint(1, 5)):
        _add_resource(cib)
    for _ in range(random.randint(0, 4)):
        _add_constraint(cib)
    if len(cib.tops) > 2 and cib.chance(15):
        _add_set(cib)
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


def _add_constraint(cib: _Cib) -> None:
    name, score = cib.new_id("k"), cib.random.choice(_SCORES)
    kind = cib.random.choices(["location", "rule", "colocation", "order"], [5, 2, 5, 3])[0]
    if kind in {"location", "rule"} or len(cib.tops) < 2:
        subject, node = cib.random.choice(cib.tops), cib.random.choice(cib.nodes)
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
        cib.constraints.append(
            f'<rsc_colocation id="{name}" rsc="{one}" with-rsc="{other}" score="{score}"{same}/>'
        )
        return
    # Orders in the order of declaration only: circles are another matter.
    one, other = sorted((one, other), key=cib.tops.index)
    how = cib.random.choice(["Mandatory", "Optional", "Serialize"])
    cib.constraints.append(f'<rsc_order id="{name}" first="{one}" then="{other}" kind="{how}"/>')


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


def _written(cib: _Cib) -> bytes:
    standby = {node for node in cib.nodes if cib.chance(8)}
    offline = {node for node in cib.nodes[1:] if cib.chance(8)}
    options = {"stonith-enabled": "false", "no-quorum-policy": "ignore"}
    if cib.chance(10):
        options["symmetric-cluster"] = "false"
    pairs = "".join(f'<nvpair id="o-{k}" name="{k}" value="{v}"/>' for k, v in options.items())
    defaults = ""
    if cib.chance(40):
        value = cib.random.choice(["1", "100"])
        pair = f'<nvpair id="d-s" name="resource-stickiness" value="{value}"/>'
        defaults = f'<rsc_defaults><meta_attributes id="d">{pair}</meta_attributes></rsc_defaults>'
    nodes = "".join(_node(cib, number, node, node in standby) for number, node in enumerate(cib.nodes))
    history = _history(cib, [n for n in cib.nodes if n not in offline])
    status = "".join(
        _state(number, node, node not in offline, history.get(node, ""))
        for number, node in enumerate(cib.nodes)
    )
    return (
        '<cib validate-with="pacemaker-3.7" admin_epoch="0" epoch="1" num_updates="0" have-quorum="1" dc-uuid="1" '
        f'execution-date="1800000000"><configuration><crm_config><cluster_property_set id="o">{pairs}'
        f"</cluster_property_set></crm_config><nodes>{nodes}</nodes><resources>{''.join(cib.resources)}</resources>"
        f"<constraints>{''.join(cib.constraints)}</constraints>{defaults}</configuration>"
        f"<status>{status}</status></cib>"
    ).encode()


def _node(cib: _Cib, number: int, name: str, is_standby: bool) -> str:
    pairs = f'<nvpair id="{name}-r" name="rack" value="{cib.random.choice("12")}"/>'
    if is_standby:
        pairs += f'<nvpair id="{name}-s" name="standby" value="on"/>'
    inner = f'<instance_attributes id="{name}-a">{pairs}</instance_attributes>'
    return f'<node id="{number + 1}" uname="{name}">{inner}</node>'


def _state(number: int, name: str, is_online: bool, history: str) -> str:
    words = ("true", "online", "member") if is_online else ("false", "offline", "down")
    return (
        f'<node_state id="{number + 1}" uname="{name}" in_ccm="{words[0]}" crmd="{words[1]}" join="{words[2]}" '
        f'expected="{words[2]}"><lrm id="{number + 1}"><lrm_resources>{history}</lrm_resources></lrm></node_state>'
    )


def _history(cib: _Cib, online: list[str]) -> dict[str, str]:
    """What ran where: most primitives at one place, instances of clones at several, some of them failed."""
    found: dict[str, str] = {}
    for name in [*cib.leaves, *cib.cloned]:
        if not cib.chance(60):
            continue
        places = cib.random.sample(online, cib.random.randint(1, len(online)) if name in cib.cloned else 1)
        for node in places:
            ops = _operation(name, "start", 1, 0)
            if cib.chance(12):
                failed = cib.random.choice(["monitor", "start"])
                ops = ops if failed == "monitor" else ""
                ops += _operation(name, failed, 2, 1, 10_000 if failed == "monitor" else 0)
            found[node] = found.get(node, "") + f'<lrm_resource id="{name}" {_AGENT}>{ops}</lrm_resource>'
    return found


def _operation(name: str, operation: str, call: int, rc: int, interval: int = 0) -> str:
    key = f"{call}:1:0:00000000-0000-0000-0000-000000000000"
    return (
        f'<lrm_rsc_op id="{name}_{operation}_{interval}" operation_key="{name}_{operation}_{interval}" '
        f'operation="{operation}" crm-debug-origin="x" crm_feature_set="3.17.4" transition-key="{key}" '
        f'transition-magic="0:{rc};{key}" exit-reason="" on_node="x" call-id="{call}" rc-code="{rc}" op-status="0" '
        f'interval="{interval}" last-rc-change="1799999000" exec-time="1" queue-time="0"/>'
    )
