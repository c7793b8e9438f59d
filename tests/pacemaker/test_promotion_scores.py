"""Nodes' attributes say how well they suit promotion."""

from tests.pacemaker.cibs import cib, dummy, op, ran, read


def scores(status: str, **attributes: str) -> dict[tuple[str, str], int]:
    pairs = "".join(
        f'<nvpair id="t{k}" name="master-{k.replace("_", ":")}" value="{v}"/>' for k, v in attributes.items()
    )
    attributes_block = f'<instance_attributes id="t">{pairs}</instance_attributes>'
    block = f'<transient_attributes id="1">{attributes_block}</transient_attributes>'
    data = cib(f'<master id="c">{dummy("r")}</master>', status=status)
    found = read(data.replace(b'<lrm id="1">', block.encode() + b'<lrm id="1">'))
    return {(str(r), str(n)): score for (r, n), score in found.observed.promotion_scores.items()}


def test_a_score_is_that_of_the_resource_on_the_node() -> None:
    assert scores("", r="10") == {("r", "n1"): 10}
    assert scores("", r="-INFINITY") == {("r", "n1"): -1_000_000}


def test_instances_that_share_a_name_share_the_score_under_any_of_their_old_names() -> None:
    assert scores("", r_3="7") == {("r", "n1"): 7}


def test_of_several_that_counts_under_whose_name_it_runs() -> None:
    assert scores(ran("r:1", op("start", 1)), r="1", r_0="5", r_1="7") == {("r", "n1"): 7}
    assert scores(ran("r", op("start", 1)), r="1", r_0="5", r_1="7") == {("r", "n1"): 1}
