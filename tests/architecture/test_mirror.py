"""A newcomer finds the tests of a module by its name: tests/plan/test_scores.py for reconciler/plan/scores.py."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("model", "plan", "load", "observe", "act", "loop", "report", "world", "sim", "cli")


def test_each_test_module_names_a_module() -> None:
    strays = []
    for package in PACKAGES:
        for test in sorted((ROOT / "tests" / package).glob("test_*.py")):
            if not (ROOT / "reconciler" / package / test.name.removeprefix("test_")).exists():
                strays.append(str(test.relative_to(ROOT)))
    assert strays == []


def test_no_path_of_one_machine_and_no_registry_is_in_the_tree() -> None:
    words = ("/" + "work/", "pypi" + ".org", "files.python" + "hosted", "deb.debian" + ".org")
    found = []
    for path in sorted(ROOT.rglob("*")):
        is_ours = path.is_file() and not any(
            part.startswith(".") and part != ".ci" for part in path.relative_to(ROOT).parts
        )
        if not is_ours or path.suffix in {".pyc", ".so"} or "egg-info" in str(path):
            continue
        text = path.read_text(errors="replace")
        found += [f"{path.relative_to(ROOT)}: {word}" for word in words if word in text]
    assert found == []
