"""Declarations for the tests, short enough to stand in a table."""

from reconciler.load.load import Loaded, load

XML = b"<domain type='lxc'><name>any</name></domain>"

HOST = """\
apiVersion: reconciler/v1alpha1
kind: Host
metadata: {name: host1}
spec: {agent: local, libvirt: {vm: "qemu:///system", lxc: "lxc:///system"}}
"""


def host(name: str, spec: str = "{}", labels: str = "{}") -> str:
    """Return a host of 5 lines, spec on line 5."""
    return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Host
metadata: {{name: {name}, labels: {labels}}}
spec: {spec}
"""


def remote_node(name: str, spec: str = "{}", labels: str = "{}") -> str:
    """Return a remote node of 5 lines, spec on line 5."""
    return host(name, spec, labels).replace("kind: Host", "kind: RemoteNode")


def resource(name: str, *lines: str, agent: str = "ocf:heartbeat:Dummy") -> str:
    """Return a resource of 6 lines and what is added to its spec."""
    return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Resource
metadata: {{name: {name}}}
spec:
  agent: {agent}
{_added(lines)}"""


def group(name: str, *lines: str) -> str:
    """Return a group of 5 lines and what is its spec."""
    return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Group
metadata: {{name: {name}}}
spec:
{_added(lines)}"""


def guest(name: str, *lines: str, node: str | None = None, guest_type: str = "process") -> str:
    """Return a guest of 6 or 7 lines, and what is added to its spec; ports differ by the node's name."""
    port = 4000 + sum(node.encode()) if node else 0
    remote = f"  remoteNode: {{name: {node}, port: {port}}}\n" if node else ""
    return f"""\
---
apiVersion: reconciler/v1alpha1
kind: Guest
metadata: {{name: {name}}}
spec:
  type: {guest_type}
{remote}{_added(lines)}"""


def load_text(text: str, **files: bytes) -> Loaded:
    """Load one file a.yaml, with a domain's XML beside it."""
    return load({"a.yaml": text.encode("utf-8", "surrogatepass"), "vm.xml": XML, **files})


def problems_of(text: str) -> list[str]:
    """Return what is wrong with one file a.yaml, as users see it, without the file's name."""
    return [str(problem).removeprefix("a.yaml:") for problem in load_text(text).problems]


def _added(lines: tuple[str, ...]) -> str:
    return "".join(f"  {line}\n" for line in lines)
