import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.load.positions import MAX_DEPTH, Spoiled, parse


def read(text: str) -> object:
    parsed = parse("a.yaml", text)
    assert parsed.problems == ()
    return [document.value for document in parsed.documents]


def problems_of(text: str) -> list[str]:
    return [str(problem).removeprefix("a.yaml:") for problem in parse("a.yaml", text).problems]


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("# only a comment\n", [], id="comment"),
        pytest.param("---\n---\n~\n---\nnull\n", [], id="empty documents"),
        pytest.param("a: b\n---\nc: 1\n...\n", [{"a": "b"}, {"c": 1}], id="two documents"),
        pytest.param("a: [1, 'true', true, \"x\"]", [{"a": [1, "true", True, "x"]}], id="types"),
        pytest.param("a: |\n  x\ty\n  z\n", [{"a": "x\ty\nz\n"}], id="tab in a block scalar"),
        pytest.param("a: >-\n  x\n  y\n", [{"a": "x y"}], id="folded"),
        pytest.param("on: no\nyes: 'off'\n", [{"on": "no", "yes": "off"}], id="words of YAML 1.1"),
        pytest.param("a: {b: {}}\nc: []\n", [{"a": {"b": {}}, "c": []}], id="empty collections"),
        pytest.param("a: &x {b: 1}\nc: *x\n", [{"a": {"b": 1}, "c": {"b": 1}}], id="alias"),
        pytest.param("a: &x 1\nb: [*x, *x]\n", [{"a": 1, "b": [1, 1]}], id="alias of a scalar"),
        pytest.param("'1': a\n\"true\": b\n", [{"1": "a", "true": "b"}], id="quoted keys"),
        pytest.param("? a\n: b\n", [{"a": "b"}], id="explicit key"),
        pytest.param('a: "\\u00a0 \\U0001F600"\n', [{"a": "\u00a0 \U0001f600"}], id="escapes in quotes"),
    ],
)
def test_plain_values(text: str, want: object) -> None:
    assert read(text) == want


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param(
            "a: 1\nb: 2\na: 3\n",
            ['3:1: error[duplicate-key]: "a" stands here twice; it stands at a.yaml:1:1 already'],
            id="duplicate key",
        ),
        pytest.param(
            "m: {a: 1, 'a': 2}\n",
            ['1:11: error[duplicate-key]: "a" stands here twice; it stands at a.yaml:1:5 already'],
            id="duplicate key, quoted",
        ),
        pytest.param(
            "a: !!str 0755\n",
            ["1:4: error[tag]: !!str is a YAML tag; remove it; quote what is meant as text"],
            id="core tag",
        ),
        pytest.param(
            "a: !!python/object:os.system x\n",
            [
                "1:4: error[tag]: !!python/object:os.system is a YAML tag; remove it; quote what is meant as text"
            ],
            id="python tag",
        ),
        pytest.param(
            "a: !vault [x]\n",
            ["1:4: error[tag]: !vault is a YAML tag; remove it; quote what is meant as text"],
            id="tag on a list",
        ),
        pytest.param(
            "b: &x {c: 1}\na:\n  <<: *x\n",
            ["3:3: error[merge-key]: << merges maps in ways that readers do not see; write the fields out"],
            id="merge key",
        ),
        pytest.param(
            "a: &x [*x]\n",
            ["1:8: error[recursive-alias]: *x contains itself; write the value out"],
            id="recursive alias",
        ),
        pytest.param(
            "a: &x 1\n---\nb: *x\n",
            ["3:4: error[unknown-anchor]: there is no &x before this; aliases stay in one document"],
            id="anchor of another document",
        ),
        pytest.param(
            "1: a\ntrue: b\n~: c\n1.5: d\n",
            [
                '1:1: error[key-not-text]: the key 1 is not text; quote it: "1"',
                '2:1: error[key-not-text]: the key true is not text; quote it: "true"',
                '3:1: error[key-not-text]: the key ~ is not text; quote it: "~"',
                '4:1: error[key-not-text]: the key 1.5 is not text; quote it: "1.5"',
            ],
            id="keys that are not text",
        ),
        pytest.param(
            "? [a, b]\n: c\n",
            ["1:3: error[key-not-text]: a map or list stands where a key should; keys are text"],
            id="a list as key",
        ),
        pytest.param(
            "a: &x b\n*x : c\n",
            ["2:1: error[key-not-text]: an alias stands where a key should; write the key out"],
            id="an alias as key",
        ),
        pytest.param(
            "a:\u00a01\n",
            [
                "1:1: error[hidden-character]: there is an invisible character in this (U+00A0); "
                "use a plain space, or quote the text if it is meant"
            ],
            id="NBSP instead of a space",
        ),
        pytest.param(
            "ab\u200b: 1\n",
            [
                "1:1: error[hidden-character]: there is an invisible character in this (U+200B); "
                "use a plain space, or quote the text if it is meant"
            ],
            id="zero-width space in a key",
        ),
        pytest.param(
            'a: "\\0"\nb: "\\ud800"\n',
            [
                "1:4: error[control-character]: there is a control character in this text (U+0000); remove it",
                "2:4: error[control-character]: there is a control character in this text (U+D800); remove it",
            ],
            id="escaped NUL and surrogate",
        ),
        pytest.param(
            "\ta: 1\n", ["1:1: error[tab]: there is a tab here; indent and separate with spaces"], id="tab"
        ),
        pytest.param(
            "a:\t1\n",
            ["1:3: error[tab]: there is a tab here; indent and separate with spaces"],
            id="tab after :",
        ),
        pytest.param(
            "a: b: c\n",
            [
                "1:5: error[syntax]: mapping values are not allowed here; "
                "indent it as the lines around it, or quote text that contains ': '"
            ],
            id="colon in text",
        ),
        pytest.param(
            "a: @b\n",
            ["1:4: error[syntax]: found character '@' that cannot start any token; quote the text"],
            id="reserved",
        ),
        pytest.param(
            "a: [1\n",
            [
                "2:1: error[syntax]: expected ',' or ']', but got '<stream end>'; while parsing a flow sequence"
            ],
            id="unclosed list",
        ),
        pytest.param(
            "- a\n---\nfoo\n",
            [
                "1:1: error[not-a-map]: this document is a list; a document begins with apiVersion: and kind:",
                "3:1: error[not-a-map]: this document is a single value; a document begins with apiVersion: and kind:",
            ],
            id="not a map",
        ),
    ],
)
def test_traps_are_refused(text: str, want: list[str]) -> None:
    assert problems_of(text) == want


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: " + "[" * 300, id="flow lists"),
        pytest.param("a: " + "{a: " * 5000, id="flow maps"),
        pytest.param("\n".join(" " * n + "a:" for n in range(200)), id="block maps"),
        pytest.param("- " * 5000, id="block lists"),
        pytest.param(
            "a0: &a0 " + "[" * 30 + "]" * 30 + "\na1: " + "[" * 30 + "*a0" + "]" * 30, id="by an alias"
        ),
    ],
)
def test_depth_is_limited(text: str) -> None:
    parsed = parse("a.yaml", text)
    assert ([p.code for p in parsed.problems], parsed.is_whole) == (["too-deep"], False)


def test_depth_up_to_the_limit_is_read() -> None:
    inner = MAX_DEPTH - 1
    assert problems_of("a: " + "[" * inner + "]" * inner) == []


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    want = ["5:10: error[too-many-values]: this document has more than 20000 values; split it"]
    assert problems_of("\n".join(lines)) == want


def test_errors_of_python_inside_the_parser_are_syntax_errors() -> None:
    (problem,) = parse("a.yaml", 'a: 1\nb: "\\U99999999"\n').problems
    assert (str(problem.where), problem.code) == ("a.yaml:2:1", "syntax")


def test_what_was_refused_is_marked_and_the_rest_is_there() -> None:
    (document,) = parse("a.yaml", "a: 1.5\nb: 2\n<<: {c: 1}\n").documents
    assert isinstance(document.value["a"], Spoiled)
    assert {k: v for k, v in document.value.items() if k != "a"} == {"b": 2}
    assert (document.is_sound, document.incomplete) == (False, frozenset({()}))


def test_documents_before_a_mistake_still_count() -> None:
    parsed = parse("a.yaml", "a: 1\n---\nb: [\n")
    assert ([d.value for d in parsed.documents], parsed.is_whole) == ([{"a": 1}], False)


TEXT = """\
# a comment
kind: Host
spec:
  agent: local
  list: [a,   {b: c}]
  block:
  - x
  - |
    long
---
other:  1
"""


@pytest.mark.parametrize(
    ("document", "path", "value", "key"),
    [
        (0, (), "2:1", "2:1"),
        (0, ("kind",), "2:7", "2:1"),
        (0, ("spec",), "4:3", "3:1"),
        (0, ("spec", "agent"), "4:10", "4:3"),
        (0, ("spec", "list"), "5:9", "5:3"),
        (0, ("spec", "list", 0), "5:10", "5:10"),
        (0, ("spec", "list", 1), "5:15", "5:15"),
        (0, ("spec", "list", 1, "b"), "5:19", "5:16"),
        (0, ("spec", "block", 0), "7:5", "7:5"),
        (0, ("spec", "block", 1), "8:5", "8:5"),
        (0, ("spec", "missing", "deeper"), "4:3", "3:1"),
        (1, ("other",), "11:9", "11:1"),
    ],
)
def test_every_value_and_key_has_its_place(
    document: int, path: tuple[str | int, ...], value: str, key: str
) -> None:
    raw = parse("a.yaml", TEXT).documents[document]
    assert (str(raw.at(path)), str(raw.key_at(path))) == (f"a.yaml:{value}", f"a.yaml:{key}")


def test_fields_are_found_by_dotted_path() -> None:
    raw = parse("a.yaml", "a: {b: [x]}\n").documents[0]
    want = {"a": "a.yaml:1:1", "a.b": "a.yaml:1:5", "a.b.0": "a.yaml:1:9"}
    assert {path: str(where) for path, where in raw.fields().items()} == want


WORDS = st.text(alphabet="abcxyz", min_size=1, max_size=5)
VALUES = st.recursive(
    WORDS | st.integers(-1000, 1000) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=15)
@given(st.dictionaries(WORDS, VALUES, min_size=1, max_size=4), st.integers(0, 3))
def test_positions_point_at_what_was_written(value: dict[str, object], comments: int) -> None:
    text = "#\n" * comments + _write(value, 0)
    (document,) = parse("a.yaml", text).documents
    lines = text.splitlines()
    assert document.value == value
    for path, (line, column) in document.places.items():
        found = _at(document.value, path)
        if isinstance(found, str | bool | int):
            rest = lines[line - 1][column - 1 :]
            assert rest.startswith(str(found).lower() if isinstance(found, bool) else str(found))
    for path, (line, column) in document.key_places.items():
        assert lines[line - 1][column - 1 :].startswith(f"{path[-1]}:")


def _at(value: object, path: tuple[str | int, ...]) -> object:
    for step in path:
        assert isinstance(value, dict | list)
        value = value[step]  # type: ignore[index]  # hypothesis made it fit
    return value


def _write(value: object, indent: int) -> str:
    """Write block YAML, with flow style for what is empty."""
    match value:
        case dict() if value:
            return "".join(f"{' ' * indent}{key}:{_after(item, indent)}" for key, item in value.items())
        case list() if value:
            return "".join(f"{' ' * indent}-{_after(item, indent)}" for item in value)
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _after(item: object, indent: int) -> str:
    if isinstance(item, dict | list) and item:
        return "\n" + _write(item, indent + 2)
    return f" {_write(item, 0)}\n"
