"""Numbers that must be what Pacemaker's headers say."""

from __future__ import annotations

import errno

from agent.wire import names


def test_reply_codes_are_linux_errno_values() -> None:
    got = [
        names.RC_NO_SUCH_RESOURCE,
        names.RC_INVALID,
        names.RC_PROTOCOL,
        names.RC_UNSUPPORTED,
        names.RC_IN_PROGRESS,
        names.RC_STALE_EPOCH,
    ]
    want = [errno.ENODEV, errno.EINVAL, errno.EPROTO, errno.EOPNOTSUPP, errno.EINPROGRESS, errno.ESTALE]
    assert got == [-code for code in want]


def test_every_exit_code_of_ocf_has_a_name() -> None:
    assert {code.value for code in names.OcfExit} == {*range(10), 190, 191, 193}
