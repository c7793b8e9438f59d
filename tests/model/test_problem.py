from reconciler.model.names import Where
from reconciler.model.problem import Problem, sort_problems


def problem(line: int, code: str = "unknown-field", **fields: str) -> Problem:
    where = Where(file="a.yaml", line=line, column=3)
    return Problem(where=where, code=code, text="there is no field x", **fields)


def test_a_problem_reads_as_a_compilers() -> None:
    assert str(problem(4)) == "a.yaml:4:3: error[unknown-field]: there is no field x"


def test_a_hint_says_what_would_be_right() -> None:
    got = str(problem(4, hint="did you mean y?", severity="warning"))
    assert got == "a.yaml:4:3: warning[unknown-field]: there is no field x; did you mean y?"


def test_problems_are_sorted_by_place_and_each_shown_once() -> None:
    got = sort_problems([problem(9), problem(2, "b"), problem(2, "a"), problem(9)])
    assert got == (problem(2, "a"), problem(2, "b"), problem(9))
