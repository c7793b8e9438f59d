"""What is refused before YAML is parsed: sizes, encodings, directives and characters that hide.

Accepted is UTF-8, with or without a byte-order mark at its start (some editors write one unasked, and it changes
nothing); everything else that Unicode calls UTF is refused.
"""

import re
from collections.abc import Mapping

from reconciler.model.names import Where
from reconciler.model.problem import Problem

MAX_FILE_BYTES = 2**20
MAX_TREE_BYTES = 20 * 2**20

YAML_SUFFIXES = (".yaml", ".yml")

_BOM = b"\xef\xbb\xbf"
_UTF16_32 = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_DIRECTIVE = re.compile(r"^%.*$", re.MULTILINE)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates: a reviewer sees another order than the loader (CVE-2021-42574)."""


def yaml_paths(files: Mapping[str, bytes]) -> list[str]:
    """Return the paths that are declarations, sorted: YAML files outside dot folders, and no dot files."""
    return sorted(
        path
        for path in files
        if path.endswith(YAML_SUFFIXES) and not any(part.startswith(".") for part in path.split("/"))
    )


def check_tree(files: Mapping[str, bytes], paths: list[str]) -> Problem | None:
    """Return a problem when all declarations together are too large to be meant."""
    total = 0
    for path in paths:
        total += len(files[path])
        if total > MAX_TREE_BYTES:
            hint = f"all YAML files together may have {MAX_TREE_BYTES // 2**20} MiB"
            return Problem(where=Where(file=path, line=1), code="too-large", text="too much YAML", hint=hint)
    return None


def decode(path: str, content: bytes) -> tuple[str | None, list[Problem]]:
    """Return a file's text, or None when it must not be parsed, and what is wrong with it."""
    if len(content) > MAX_FILE_BYTES:
        text = f"the file has {len(content)} bytes"
        return None, [_problem(path, "", 0, "too-large", text, "a YAML file may have 1 MiB; split it")]
    if content.startswith(_UTF16_32) or b"\x00" in content[:4]:
        return None, [_problem(path, "", 0, "encoding", "the file is UTF-16 or UTF-32", "save it as UTF-8")]
    try:
        text = content.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].removeprefix(_BOM).decode("utf-8", "replace")
        what = f"byte 0x{content[error.start]:02x} is not UTF-8"
        return None, [_problem(path, before, len(before), "encoding", what, "save the file as UTF-8")]
    return _check_text(path, text)


def _check_text(path: str, text: str) -> tuple[str | None, list[Problem]]:
    found = _UNPRINTABLE.search(text)
    if found:
        what = f"there is a control character here (U+{ord(found[0]):04X})"
        hint = "remove it, or write it as an escape in double quotes"
        return None, [_problem(path, text, found.start(), "control-character", what, hint)]
    found = _DIRECTIVE.search(text)
    if found:
        # %YAML 1.1 turns NO into false and 0755 into 493 for all that follows, so nothing of the file is read.
        what = f"{found[0].split()[0]} is a YAML directive"
        return None, [
            _problem(path, text, found.start(), "directive", what, "remove the line; YAML 1.2 is used")
        ]
    problems = [
        _problem(
            path, text, bidi.start(), "hidden-character",
            f"U+{ord(bidi[0]):04X} changes the order in which the line is shown", "remove it",
        )
        for bidi in _BIDI.finditer(text)
    ]  # fmt: skip
    return text, problems


def _problem(path: str, text: str, offset: int, code: str, what: str, hint: str) -> Problem:
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return Problem(where=Where(file=path, line=line, column=column), code=code, text=what, hint=hint)
