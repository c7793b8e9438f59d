"""Digests of parameters, by which Pacemaker sees that a definition has changed since an operation ran."""

import hashlib
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr


def parameters_digest(params: Mapping[str, str], timeout_ms: int | None = None) -> str:
    """Return what Pacemaker's op-digest is for parameters: the MD5 of one XML element, with them in order.

    Args:
        params: names and values.
        timeout_ms: of a recurring operation, whose timeout counts too.
    """
    pairs = dict(params)
    if timeout_ms is not None:
        pairs["CRM_meta_timeout"] = str(timeout_ms)
    attributes = "".join(
        f' {name}="{quoteattr(value, {chr(34): "&quot;"})[1:-1]}"' for name, value in sorted(pairs.items())
    )
    return hashlib.md5(f" <parameters{attributes}/>\n".encode(), usedforsecurity=False).hexdigest()
