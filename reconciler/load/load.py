"""The loader's page: files of a declaration in, an Intent out, or all that is wrong with them.

Reads nothing but the bytes it is given, so that a commit, a folder and a test are all the same to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.load import guards, positions
from reconciler.load.positions import RawDocument
from reconciler.load.problems import Problems
from reconciler.load.resolve import Reading, resolve
from reconciler.load.validate import Checked, validate
from reconciler.model.intent import Intent
from reconciler.model.names import Where
from reconciler.model.problem import Problem, sort_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The outcome of loading."""

    intent: Intent | None
    """None exactly when a problem is an error: nothing may be done on the word of such a declaration."""
    problems: tuple[Problem, ...] = ()
    """Of all files, sorted by place; warnings included."""


def load(files: Mapping[str, bytes]) -> Loaded:
    """Return what a declaration asks for.

    Args:
        files: contents by path relative to the folder, with / as separator. Declarations are the YAML files outside
            dot folders; the others are there for `domain.xml`.
    """
    problems = Problems()
    reading = _read(files, problems)
    intent = resolve(reading, problems)
    if not problems.has_errors() and not intent.hosts and not intent.resources:
        hint = "write at least one Host, Guest or Resource; nothing is changed or deleted"
        problems.add(Where(file=".", line=1), "nothing-declared", "nothing is declared here", hint)
    return Loaded(
        intent=None if problems.has_errors() else intent,
        problems=sort_problems(problems.found),
    )


def _read(files: Mapping[str, bytes], problems: Problems) -> Reading:
    """Read and check all documents, each by itself."""
    paths = guards.yaml_paths(files)
    too_large = guards.check_tree(files, paths)
    if too_large is not None:
        problems.extend([too_large])
        return Reading(files=files, raw=(), checked={}, is_whole=False)
    raw: list[RawDocument] = []
    is_whole = True
    for path in paths:
        text, found = guards.decode(path, files[path])
        problems.extend(found)
        if text is None:
            is_whole = False
            continue
        parsed = positions.parse(path, text)
        problems.extend(parsed.problems)
        raw.extend(parsed.documents)
        is_whole = is_whole and parsed.is_whole
    checked: dict[int, Checked] = {}
    for index, document in enumerate(raw):
        result, found = validate(document)
        problems.extend(found)
        if result is not None:
            checked[index] = result
    return Reading(files=files, raw=raw, checked=checked, is_whole=is_whole)
