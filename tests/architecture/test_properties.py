"""Property tests judge by what they find, never by how long the machine took."""

import ast
from pathlib import Path

from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parents[1]
ONLY_HERE = TESTS / "conftest.py"
OF_TIME = {"deadline", "suppress_health_check"}


def test_no_property_has_a_limit_of_time() -> None:
    default = settings()
    assert (default.deadline, set(default.suppress_health_check)) == (None, {HealthCheck.too_slow})
    elsewhere = {
        f"{path.relative_to(TESTS)}:{node.lineno}"
        for path in sorted(TESTS.rglob("*.py"))
        if path != ONLY_HERE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "settings"
        for keyword in node.keywords
        if keyword.arg in OF_TIME
    }
    assert elsewhere == set()
