import pytest

from reconciler.load import guards
from reconciler.load.load import load
from tests.load.texts import HOST


def test_declarations_are_yaml_files_outside_dot_folders() -> None:
    names = [
        "b.yml",
        "a.yaml",
        "sub/c.yaml",
        ".git/d.yaml",
        "sub/.e/f.yaml",
        ".gitlab-ci.yml",
        "g.xml",
        "h.txt",
    ]
    assert guards.yaml_paths(dict.fromkeys(names, b"")) == ["a.yaml", "b.yml", "sub/c.yaml"]


@pytest.mark.parametrize(
    ("content", "want"),
    [
        pytest.param(
            HOST.encode("utf-16"),
            ["a.yaml:1:1: error[encoding]: the file is UTF-16 or UTF-32; save it as UTF-8"],
            id="utf-16 with a mark",
        ),
        pytest.param(
            HOST.encode("utf-16-be"),
            ["a.yaml:1:1: error[encoding]: the file is UTF-16 or UTF-32; save it as UTF-8"],
            id="utf-16 without",
        ),
        pytest.param(
            HOST.encode("utf-32"),
            ["a.yaml:1:1: error[encoding]: the file is UTF-16 or UTF-32; save it as UTF-8"],
            id="utf-32",
        ),
        pytest.param(
            HOST.encode() + "# Käse".encode("latin-1"),
            ["a.yaml:5:4: error[encoding]: byte 0xe4 is not UTF-8; save the file as UTF-8"],
            id="latin-1",
        ),
        pytest.param(
            HOST.encode() + b"# \x00",
            [
                "a.yaml:5:3: error[control-character]: there is a control character here (U+0000); "
                "remove it, or write it as an escape in double quotes"
            ],
            id="NUL",
        ),
        pytest.param(
            b"%YAML 1.1\n---\n" + HOST.encode(),
            ["a.yaml:1:1: error[directive]: %YAML is a YAML directive; remove the line; YAML 1.2 is used"],
            id="%YAML",
        ),
        pytest.param(
            HOST.encode() + b"...\n%TAG ! tag:x,2000:\n---\n",
            ["a.yaml:6:1: error[directive]: %TAG is a YAML directive; remove the line; YAML 1.2 is used"],
            id="%TAG in between",
        ),
        pytest.param(
            HOST.encode() + "# a\u202eb".encode(),
            [
                "a.yaml:5:4: error[hidden-character]: U+202E changes the order in which the line is shown; "
                "remove it"
            ],
            id="bidi override in a comment",
        ),
        pytest.param(
            b"#" * (2**20 + 1),
            [
                "a.yaml:1:1: error[too-large]: the file has 1048577 bytes; a YAML file may have 1 MiB; split it"
            ],
            id="over 1 MiB",
        ),
    ],
)
def test_files_are_refused_before_they_are_parsed(content: bytes, want: list[str]) -> None:
    loaded = load({"a.yaml": content})
    assert (loaded.intent, [str(problem) for problem in loaded.problems]) == (None, want)


def test_a_byte_order_mark_is_accepted_and_moves_no_column() -> None:
    assert load({"a.yaml": b"\xef\xbb\xbf" + HOST.encode()}).problems == ()
    text, problems = guards.decode("a.yaml", b"\xef\xbb\xbfa\x01")
    assert (text, [str(p.where) for p in problems]) == (None, ["a.yaml:1:2"])


def test_all_files_together_have_a_limit() -> None:
    files = {f"{n:02}.yaml": b"#" * 2**20 for n in range(21)}
    loaded = load(files)
    want = ["20.yaml:1:1: error[too-large]: too much YAML; all YAML files together may have 20 MiB"]
    assert [str(problem) for problem in loaded.problems] == want
