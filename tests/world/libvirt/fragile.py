"""libvirt's objects, with something that happens at one of the calls that change anything."""

from typing import Any

WHOLE = 2 * 1024 * 1024
"""Size of a disk of which a crash leaves half."""


class Crash(Exception):  # noqa: N818 - what it is
    """The controller, or its host, is gone."""


class Fragile:
    """What libvirt gives, with a crash at one of the calls that change something: before it, amid it, or after it."""

    CHANGES = ("createXML", "createXMLFrom", "delete")

    def __init__(self, real: Any, crash: "Countdown", pool: Any = None) -> None:
        """Take the pool of every folder, where the driver cannot look one up."""
        self._real, self._crash, self._pool = real, crash, pool

    def __getattr__(self, name: str) -> Any:
        if name == "storagePoolLookupByTargetPath" and self._pool is not None:
            return lambda _folder: Fragile(self._pool, self._crash)
        function = getattr(self._real, name)

        def call(*arguments: Any) -> Any:
            plain = [each._real if isinstance(each, Fragile) else each for each in arguments]
            result = self._crash.around(function, plain) if name in self.CHANGES else function(*plain)
            is_object = type(result).__module__ == "libvirt"
            return Fragile(result, self._crash) if is_object else result

        return call


class Countdown:
    """Counts changes down to the crash."""

    def __init__(self, changes: int, moment: str) -> None:
        """Take how many changes there are, and "before", "amid" or "after" for the last."""
        self.left, self.moment = changes, moment

    @staticmethod
    def half_of(description: str) -> str:
        return description.replace(str(WHOLE), str(WHOLE // 2))

    def around(self, function: Any, arguments: list[Any]) -> Any:
        self.left -= 1
        if self.left == 0 and self.moment == "amid":
            arguments[0:1] = [self.half_of(text) for text in arguments[0:1]]
        if self.left == 0 and self.moment == "before":
            raise Crash
        result = function(*arguments)
        if self.left == 0:
            raise Crash
        return result


NEVER = Countdown(-1, "")
