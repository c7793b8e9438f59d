"""Fuzzes one end of the wire led by its coverage: python -m tests.fuzz.guided server|client [libFuzzer's options].

Needs atheris (`make soak` installs it). What breaks something is left beside as crash-*; put it into corpus/ then.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["agent.wire"]):
    from agent.wire import RemoteProtocolError, Role
    from tests.fuzz.ends import deliver
    from tests.fuzz.traffic import frames_for, opened


def main() -> None:
    """Fuzz until libFuzzer's options say that it is enough."""
    role = Role(sys.argv.pop(1))

    def try_one(message: bytes) -> None:
        try:
            deliver(opened(role), message)
        except RemoteProtocolError:
            return

    with tempfile.TemporaryDirectory() as folder:
        for number, frame in enumerate(frames_for(role)):
            (Path(folder) / str(number)).write_bytes(frame)
        for path in (Path(__file__).parent / "corpus").glob(f"{role.value}-*.hex"):
            (Path(folder) / path.stem).write_bytes(bytes.fromhex(path.read_text().splitlines()[1]))
        atheris.Setup([*sys.argv, folder], try_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
