"""Raises the epochs of keys in the text of documents, and changes nothing else in it: no comment, no line end."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.load import guards, positions
from reconciler.load.positions import RawDocument

EPOCH, LOWEST = "keyEpoch", "minKeyEpoch"

Path = tuple[str, ...]

_PATHS: Mapping[str, Path] = {"Host": ("spec", "agent"), "RemoteNode": ("spec",)}
"""Where documents have their agents, if not in remoteNode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """What became of one node's epoch."""

    node: str
    file: str
    line: int
    before: int
    after: int


class NotEditableError(Exception):
    """The text is written in a way that has to be changed by hand; the message says what and where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    document: RawDocument
    path: Path
    """Of the map that has the epoch."""

    def field(self, name: str) -> object:
        return _value(self.document.value, (*self.path, name))


def raise_epoch(
    files: Mapping[str, bytes], node: str, *, is_revoked: bool
) -> tuple[dict[str, bytes], Raised] | None:
    """Return the files with the next epoch for a node's key, and what was changed; None: no document has its agent.

    Args:
        files: the declaration.
        node: compared without case.
        is_revoked: the keys before are revoked.

    Raises:
        NotEditableError: it has to be done by hand.
    """
    place = next((p for p in _places(files) if _node_of(p).lower() == node.lower()), None)
    if place is None:
        return None
    file, number = place.document.file, _index(files, place.document)
    before = place.field(EPOCH)
    before = before if isinstance(before, int) else 0
    text = files[file].decode()
    for name in (EPOCH, LOWEST) if is_revoked else (EPOCH,):
        documents = positions.parse(file, text).documents
        changed = _set(text, _Place(document=documents[number], path=place.path), name, before + 1)
        wanted = _with(documents[number].value, place.path, name, before + 1)
        if not _is_only_change(documents, positions.parse(file, changed).documents, number, wanted):
            where = documents[number].at(place.path)
            path = ".".join((*place.path, name))
            text = f"{where.file}:{where.line}: nobody but you can change this: set {path} to {before + 1}"
            raise NotEditableError(text)
        text = changed
    line = positions.parse(file, text).documents[number].at((*place.path, EPOCH)).line
    raised = Raised(node=_node_of(place), file=file, line=line, before=before, after=before + 1)
    return {**files, file: text.encode()}, raised


def _places(files: Mapping[str, bytes]) -> Iterator[_Place]:
    """Return the maps in which agents with keys are written."""
    for file in guards.yaml_paths(files):
        text, _ = guards.decode(file, files[file])
        for document in positions.parse(file, text).documents if text is not None else ():
            kind = document.value.get("kind")
            path = _PATHS.get(str(kind), ("spec", "remoteNode"))
            if isinstance(_value(document.value, path), Mapping):
                yield _Place(document=document, path=path)


def _node_of(place: _Place) -> str:
    named = place.path if place.path == ("spec", "remoteNode") else ("metadata",)
    return str(_value(place.document.value, (*named, "name")))


def _index(files: Mapping[str, bytes], document: RawDocument) -> int:
    documents = positions.parse(document.file, files[document.file].decode()).documents
    return next(number for number, each in enumerate(documents) if each is document)


def _set(text: str, place: _Place, name: str, value: int) -> str:
    """Return the text with a field of a map set: its digits replaced, or written before one of the other fields."""
    document, path = place.document, (*place.path, name)
    if path in document.places:
        start = _offset(text, document.places[path])
        end = start
        while text[end : end + 1].isdigit():
            end += 1
        return f"{text[:start]}{value}{text[end:]}"
    entries = [p for p in document.key_places if p[:-1] == place.path]
    if not entries or place.path not in document.places:
        return text  # behind an alias, for instance
    start = _offset(text, document.places[place.path])
    is_flow = text[start : start + 1] == "{"
    line, column = document.key_places[entries[min(1, len(entries) - 1)]]
    at = _offset(text, (line, column))
    separator = ", " if is_flow else "\n" + " " * (column - 1)
    return f"{text[:at]}{name}: {value}{separator}{text[at:]}"


def _offset(text: str, place: tuple[int, int]) -> int:
    line, column = place
    return sum(len(each) for each in text.splitlines(keepends=True)[: line - 1]) + column - 1


def _is_only_change(
    before: tuple[RawDocument, ...], after: tuple[RawDocument, ...], number: int, wanted: object
) -> bool:
    """Tell whether one document says what is wanted, and all others what they said."""
    values: list[object] = [document.value for document in before]
    values[number] = wanted
    return values == [document.value for document in after]


def _with(value: object, path: Path, name: str, new: object) -> object:
    assert isinstance(value, Mapping), "the path was followed before"
    if not path:
        return {**value, name: new}
    return {**value, path[0]: _with(value[path[0]], path[1:], name, new)}


def _value(value: object, path: Path) -> object:
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value
