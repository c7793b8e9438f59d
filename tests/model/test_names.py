import pytest

from reconciler.model.names import MAX_NAME_LENGTH, Where, is_legal_name


@pytest.mark.parametrize("name", ["a", "_x", "9lives", "vm-guest1", "a.b_c-d", "x" * MAX_NAME_LENGTH])
def test_legal_names(name: str) -> None:
    assert is_legal_name(name)


@pytest.mark.parametrize(
    "name", ["", "-a", ".a", "a b", "a/b", "a\n", "é", "a,b", "x" * (MAX_NAME_LENGTH + 1)]
)
def test_names_that_could_be_paths_options_or_keys_are_illegal(name: str) -> None:
    assert not is_legal_name(name)


def test_places_read_as_compilers_write_them_and_sort_by_file_line_column() -> None:
    places = [
        Where(file="b.yaml", line=1),
        Where(file="a.yaml", line=10),
        Where(file="a.yaml", line=2, column=9),
        Where(file="a.yaml", line=2, column=3),
    ]
    assert [str(place) for place in sorted(places)] == [
        "a.yaml:2:3",
        "a.yaml:2:9",
        "a.yaml:10:1",
        "b.yaml:1:1",
    ]
