"""A newcomer finds the tests of a module by its name: tests/plan/test_scores.py for reconciler/plan/scores.py."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "model",
    "plan",
    "plan/place",
    "plan/settle",
    "load",
    "observe",
    "act",
    "loop",
    "report",
    "pacemaker",
    "world",
    "world/channel",
    "world/libvirt",
    "world/links",
    "world/process",
    "sim",
    "cli",
)


def test_each_test_module_names_a_module() -> None:
    """A long one may be split: test_links_failures.py tests links.py too."""
    strays = [
        str(test.relative_to(ROOT))
        for package in PACKAGES
        for test in sorted((ROOT / "tests" / package).glob("test_*.py"))
        if not _names_a_module(package, test.stem.removeprefix("test_"))
    ]
    assert strays == []


def _names_a_module(package: str, name: str) -> bool:
    words = name.split("_")
    prefixes = ["_".join(words[:length]) for length in range(1, len(words) + 1)]
    return any((ROOT / "reconciler" / package / f"{prefix}.py").exists() for prefix in prefixes)


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
