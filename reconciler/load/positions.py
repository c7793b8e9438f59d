"""YAML text to plain values, each with its place; refuses the parts of YAML that hide what is meant.

Works on the parser's events, so that keys, anchors and tags are still there to be judged, every value has a
position, and nothing is built from what is refused. Knows nothing of the schema.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.load import scalars
from reconciler.load.syntax import YamlSyntaxError, events
from reconciler.model.names import Where
from reconciler.model.problem import Problem

MAX_DEPTH = 50
MAX_NODES = 20_000
"""Keys and values of one document, aliases counted as what they stand for."""

Path = tuple[str | int, ...]
"""From the document's root: keys of maps, indexes of lists."""

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_INVISIBLE = re.compile("[\u00a0\u00ad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]")


class Spoiled:
    """Stands for a value that was refused already, so that nobody complains about it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDocument:
    """One YAML document that is a map."""

    file: str
    value: Mapping[str, object]
    """str, int, bool, list, dict, and Spoiled."""
    places: Mapping[Path, tuple[int, int]]
    """Line and column of each value; values under an alias have none of their own."""
    key_places: Mapping[Path, tuple[int, int]]
    """Line and column of the key that a path ends with."""
    incomplete: frozenset[Path]
    """Maps from which an entry was refused: what seems missing in them may not be."""
    is_sound: bool
    """Nothing in it was refused."""

    def at(self, path: Path) -> Where:
        """Return where a value stands, or the nearest one around it."""
        return self._where(self.places, path)

    def key_at(self, path: Path) -> Where:
        """Return where an entry begins: its key, for list items the value."""
        while path:
            place = self.key_places.get(path) or self.places.get(path)
            if place is not None:
                return Where(file=self.file, line=place[0], column=place[1])
            path = path[:-1]
        return self.at(())

    def fields(self) -> dict[str, Where]:
        """Return where every entry begins, by dotted path."""
        return {".".join(map(str, path)): self.key_at(path) for path in self.places if path}

    def _where(self, table: Mapping[Path, tuple[int, int]], path: Path) -> Where:
        while path not in table:
            path = path[:-1]
        line, column = table[path]
        return Where(file=self.file, line=line, column=column)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """All that one file says."""

    documents: tuple[RawDocument, ...]
    problems: tuple[Problem, ...]
    is_whole: bool
    """False when parsing stopped early: what seems undeclared may stand in the rest."""


@lru_cache(maxsize=1024)
def parse(file: str, text: str) -> Parsed:
    """Read all documents of a file.

    A syntax error ends the file, the documents before it still count. Empty documents are left out. Parsing is what
    takes the time in loading, and from commit to commit few files differ, so results are kept; don't change them.
    """
    builder = _Builder(file)
    is_whole = True
    try:
        for event in events(text):
            builder.take(event)
    except _StopParsingError:
        is_whole = False
    except YamlSyntaxError as error:
        is_whole = False
        line, column = error.place or builder.last
        where = Where(file=file, line=line, column=column)
        builder.problems.append(Problem(where=where, code=error.code, text=error.text, hint=error.hint))
    return Parsed(documents=tuple(builder.documents), problems=tuple(builder.problems), is_whole=is_whole)


class _StopParsingError(Exception):
    """The rest of the file must not be read."""


@dataclass(slots=True)
class _Frame:
    """A map or list that is being filled."""

    path: Path
    container: dict[str, object] | list[object]
    anchor: str | None
    nodes_before: int
    height: int = 0
    """Levels below this one that were seen."""
    key: str | Spoiled | None = None
    """Of a map: the key whose value comes next; None: a key comes next."""
    is_key: bool = False
    """This container itself stands where a key should."""


@dataclass(slots=True)
class _Anchored:
    value: object
    nodes: int
    height: int


@dataclass(slots=True)
class _Builder:
    """Builds the documents of one file, event by event."""

    file: str
    documents: list[RawDocument] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    last: tuple[int, int] = (1, 1)
    _frames: list[_Frame] = field(default_factory=list)
    _anchors: dict[str, _Anchored | None] = field(default_factory=dict)
    """None while the anchored value is still being built."""
    _places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    _key_places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    _incomplete: set[Path] = field(default_factory=set)
    _root: object = None
    _nodes: int = 0
    _problems_before: int = 0

    def take(self, event: Event) -> None:
        """Go one event further."""
        self.last = (event.start_mark.line + 1, event.start_mark.column + 1)
        match event:
            case ScalarEvent():
                self._count(1)
                self._check_tag(event)
                self._scalar(event)
            case MappingStartEvent() | SequenceStartEvent():
                self._count(1)
                self._check_tag(event)
                self._open(event)
            case MappingEndEvent() | SequenceEndEvent():
                self._close()
            case AliasEvent():
                self._alias(event.anchor)
            case DocumentStartEvent():
                self._start_document()
            case DocumentEndEvent():
                self._end_document()
            case _:
                pass

    def _start_document(self) -> None:
        self._anchors, self._places, self._key_places, self._incomplete = {}, {}, {}, set()
        self._root, self._nodes, self._problems_before = None, 0, len(self.problems)

    def _end_document(self) -> None:
        if isinstance(self._root, dict):
            document = RawDocument(
                file=self.file,
                value=self._root,
                places=self._places,
                key_places=self._key_places,
                incomplete=frozenset(self._incomplete),
                is_sound=len(self.problems) == self._problems_before,
            )
            self.documents.append(document)
        elif self._root is not None and not isinstance(self._root, Spoiled):
            self.last = self._places[()]
            what = "a list" if isinstance(self._root, list) else "a single value"
            self._report(
                "not-a-map", f"this document is {what}", "a document begins with apiVersion: and kind:"
            )

    def _scalar(self, event: ScalarEvent) -> None:
        text, is_plain = event.value, event.style is None and event.implicit[0]
        if self._is_key_next():
            self._key(text, is_plain=is_plain)
            return
        if not self._frames and is_plain and text in {"", "~", "null"}:
            self._places[()] = self.last
            return
        path = self._next_path()
        if is_plain and not text and path in self._key_places:
            # The parser places what is not there at the next thing that is, which may be lines below.
            self.last = self._key_places[path]
        value: object = text
        if self._has_bad_character(text, is_plain=is_plain):
            value = Spoiled()
        elif is_plain and event.tag is None:
            try:
                value = scalars.resolve(text)
            except scalars.ScalarError as error:
                self._report(error.code, error.text, error.hint)
                value = Spoiled()
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value=value, nodes=1, height=0)
        self._attach(path, value)

    def _key(self, text: str, *, is_plain: bool) -> None:
        frame = self._frames[-1]
        assert isinstance(frame.container, dict)
        frame.key = Spoiled()
        if self._has_bad_character(text, is_plain=True):
            pass
        elif is_plain and text == "<<":
            self._report(
                "merge-key", "<< merges maps in ways that readers do not see", "write the fields out"
            )
        elif is_plain and not self._is_text(text):
            self._report("key-not-text", f"the key {text or 'here'} is not text", f'quote it: "{text}"')
        elif text in frame.container:
            first = self._key_places[(*frame.path, text)]
            where = Where(file=self.file, line=first[0], column=first[1])
            self._report("duplicate-key", f'"{text}" stands here twice', f"it stands at {where} already")
        else:
            frame.key = text
            self._key_places[(*frame.path, text)] = self.last
            return
        self._incomplete.add(frame.path)

    def _is_text(self, text: str) -> bool:
        try:
            return isinstance(scalars.resolve(text), str)
        except scalars.ScalarError:
            return False

    def _open(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        if len(self._frames) >= MAX_DEPTH:
            self._stop(
                "too-deep", f"maps and lists are nested deeper than {MAX_DEPTH} levels", "flatten them"
            )
        is_key = self._is_key_next()
        path = self._next_path() if not is_key else (*self._frames[-1].path, "?")
        container: dict[str, object] | list[object] = {} if isinstance(event, MappingStartEvent) else []
        if is_key:
            self._report("key-not-text", "a map or list stands where a key should", "keys are text")
            self._incomplete.add(self._frames[-1].path)
        else:
            self._places[path] = self.last
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        frame = _Frame(
            path=path, container=container, anchor=event.anchor, nodes_before=self._nodes, is_key=is_key
        )
        self._frames.append(frame)

    def _close(self) -> None:
        frame = self._frames.pop()
        if frame.anchor is not None:
            nodes = self._nodes - frame.nodes_before + 1
            self._anchors[frame.anchor] = _Anchored(
                value=frame.container, nodes=nodes, height=frame.height + 1
            )
        if frame.is_key:
            self._frames[-1].key = Spoiled()
            return
        if self._frames:
            self._frames[-1].height = max(self._frames[-1].height, frame.height + 1)
        self._attach(frame.path, frame.container, keep_place=True)

    def _alias(self, anchor: str) -> None:
        if self._is_key_next():
            self._report("key-not-text", "an alias stands where a key should", "write the key out")
            self._frames[-1].key = Spoiled()
            self._incomplete.add(self._frames[-1].path)
            return
        path, value = self._next_path(), Spoiled()
        if anchor not in self._anchors:
            self._report(
                "unknown-anchor", f"there is no &{anchor} before this", "aliases stay in one document"
            )
            self._attach(path, value)
            return
        anchored = self._anchors[anchor]
        if anchored is None:
            self._report("recursive-alias", f"*{anchor} contains itself", "write the value out")
            self._attach(path, value)
            return
        if len(self._frames) + anchored.height > MAX_DEPTH:
            self._stop(
                "too-deep", f"maps and lists are nested deeper than {MAX_DEPTH} levels", "flatten them"
            )
        self._count(anchored.nodes)
        if self._frames:
            self._frames[-1].height = max(self._frames[-1].height, anchored.height)
        self._attach(path, anchored.value)

    def _is_key_next(self) -> bool:
        return (
            bool(self._frames)
            and isinstance(self._frames[-1].container, dict)
            and self._frames[-1].key is None
        )

    def _next_path(self) -> Path:
        if not self._frames:
            return ()
        frame = self._frames[-1]
        if isinstance(frame.container, list):
            return (*frame.path, len(frame.container))
        return (*frame.path, frame.key if isinstance(frame.key, str) else "?")

    def _attach(self, path: Path, value: object, *, keep_place: bool = False) -> None:
        if not keep_place:
            self._places[path] = self.last
        if not self._frames:
            self._root = value
            return
        frame = self._frames[-1]
        if isinstance(frame.container, list):
            frame.container.append(value)
            return
        if isinstance(frame.key, str):
            frame.container[frame.key] = value
        frame.key = None

    def _check_tag(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent) -> None:
        if event.tag is not None:
            name = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            self._report("tag", f"{name} is a YAML tag", "remove it; quote what is meant as text")

    def _has_bad_character(self, text: str, *, is_plain: bool) -> bool:
        found = _CONTROL.search(text)
        if found:
            what = f"there is a control character in this text (U+{ord(found[0]):04X})"
            self._report("control-character", what, "remove it")
            return True
        found = _INVISIBLE.search(text) if is_plain and not text.isascii() else None
        if found:
            what = f"there is an invisible character in this (U+{ord(found[0]):04X})"
            self._report("hidden-character", what, "use a plain space, or quote the text if it is meant")
        return found is not None

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            self._stop("too-many-values", f"this document has more than {MAX_NODES} values", "split it")

    def _report(self, code: str, text: str, hint: str) -> None:
        where = Where(file=self.file, line=self.last[0], column=self.last[1])
        self.problems.append(Problem(where=where, code=code, text=text, hint=hint))

    def _stop(self, code: str, text: str, hint: str) -> None:
        self._report(code, text, hint)
        raise _StopParsingError
