"""CIBs for tests, written here: two nodes, no fencing, and what a test adds."""

from dataclasses import replace

from reconciler.model.collective import Bundle
from reconciler.model.intent import Intent
from reconciler.model.names import ResourceId
from reconciler.model.resource import Resource
from reconciler.pacemaker.digests import parameters_digest
from reconciler.pacemaker.read import CibInput, read_cib
from reconciler.pacemaker.simulation import Simulation, simulate_cib

NOW = 1_800_000_000.0
DUMMY = 'class="ocf" provider="test" type="Dummy"'


def cib(
    resources: str = "", constraints: str = "", status: str = "", options: str = "", quorum: str = "1"
) -> bytes:
    """A CIB of n1 and n2, online; `status` is what n1's <lrm_resources> hold."""
    return f"""<cib have-quorum="{quorum}" dc-uuid="1"><configuration>
<crm_config><cluster_property_set id="o"><nvpair id="o1" name="stonith-enabled" value="false"/>{options}
</cluster_property_set></crm_config>
<nodes>{_node(1, "r1")}{_node(2, "10")}</nodes>
<resources>{resources}</resources><constraints>{constraints}</constraints></configuration>
<status>
<node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member">
<lrm id="1"><lrm_resources>{status}</lrm_resources></lrm></node_state>
<node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"/>
</status></cib>""".encode()


def _node(number: int, rack: str) -> str:
    pair = f'<nvpair id="a{number}r" name="rack" value="{rack}"/>'
    block = f'<instance_attributes id="a{number}">{pair}</instance_attributes>'
    return f'<node id="{number}" uname="n{number}">{block}</node>'


def dummy(name: str, inside: str = "") -> str:
    return f'<primitive id="{name}" {DUMMY}>{inside}</primitive>'


def meta(**values: str) -> str:
    pairs = "".join(f'<nvpair id="{k}" name="{k.replace("_", "-")}" value="{v}"/>' for k, v in values.items())
    return f'<meta_attributes id="meta">{pairs}</meta_attributes>'


def ran(resource: str, *operations: str) -> str:
    return f'<lrm_resource id="{resource}" {DUMMY}>{"".join(operations)}</lrm_resource>'


def op(
    operation: str, call: int, rc: int = 0, interval: int = 0, expected: int = 0, status: int = 0, **more: str
) -> str:
    """An operation as it is recorded; further attributes are written with dashes, but for a few.

    Unless said otherwise it ran without parameters, and a recurring one with the default timeout.
    """
    more.setdefault("op_digest", parameters_digest({}, 20_000 if interval else None))
    plain = ("migrate_source", "migrate_target", "on_node")
    extra = "".join(f' {k if k in plain else k.replace("_", "-")}="{v}"' for k, v in more.items())
    return (
        f'<lrm_rsc_op id="{operation}-{call}" operation="{operation}" call-id="{call}" rc-code="{rc}"'
        f' op-status="{status}" interval="{interval}" transition-key="1:1:{expected}:uuid"{extra}/>'
    )


def read(data: bytes) -> CibInput:
    return read_cib(data, "cib.xml", NOW)


def simulate(data: bytes) -> Simulation:
    return simulate_cib(data, "cib.xml", NOW, is_executed=True)


def with_one_rank(intent: Intent) -> dict[ResourceId, Resource]:
    """In YAML all that a bundle stands for has the rank of the bundle."""
    found = dict(intent.resources)
    for bundle in (c for c in intent.collectives.values() if isinstance(c, Bundle)):
        parts = [name for r in bundle.replicas for name in (r.container, r.address) if name is not None]
        rank = min(found[name].rank for name in parts)
        found |= {name: replace(found[name], rank=rank) for name in parts}
    return found
