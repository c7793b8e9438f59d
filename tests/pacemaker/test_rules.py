"""Rules hold or do not hold, for attributes and for dates."""

from datetime import UTC, datetime

import pytest
from lxml import etree

from reconciler.pacemaker.document import Cib
from reconciler.pacemaker.rules import Subject, all_hold

NOW = datetime(2026, 11, 22, 17, 30, tzinfo=UTC).timestamp()


def judge(inside: str, operator: str = "and", **attributes: str) -> bool:
    block = etree.fromstring(f'<nvpairs><rule boolean-op="{operator}">{inside}</rule></nvpairs>')
    return all_hold(Cib(file="cib.xml", root=block, now=NOW), block, Subject(now=NOW, attributes=attributes))


@pytest.mark.parametrize(
    ("operation", "value", "kind", "actual", "expected"),
    [
        ("eq", "A", "", "a", True),
        ("lt", "10", "", "9", True),
        ("lt", "10", "string", "9", False),
        ("gt", "1.5", "", "1.25", False),
        ("gte", "1.10", "version", "1.9", False),
        ("eq", "7", "integer", "7.9", True),
        ("defined", "", "", "x", True),
        ("not_defined", "", "", "x", False),
        ("ne", "x", "", None, True),
        ("lt", "x", "", None, False),
    ],
)
def test_an_attribute_is_compared_as_its_type_says(
    operation: str, value: str, kind: str, actual: str | None, expected: bool
) -> None:
    typed = f' type="{kind}"' if kind else ""
    text = f'<expression attribute="x" operation="{operation}" value="{value}"{typed}/>'
    assert judge(text, **({} if actual is None else {"x": actual})) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<date_expression operation="gt" start="2026-11-22 17:00:00 +00:00"/>', True),
        ('<date_expression operation="lt" end="2026-11-22"/>', False),
        ('<date_expression start="2026-11-20"><duration days="2"/></date_expression>', False),
        ('<date_expression start="2026-11-20"><duration days="3"/></date_expression>', True),
        (
            '<date_expression operation="date_spec"><date_spec hours="9-17" weekdays="7"/></date_expression>',
            True,
        ),
        ('<date_expression operation="date_spec"><date_spec years="2027-"/></date_expression>', False),
        ('<date_expression operation="gt" start="no date"/>', False),
    ],
)
def test_a_date_is_in_its_range_or_not(text: str, expected: bool) -> None:
    assert judge(text) == expected


def test_rules_are_joined_and_nested() -> None:
    yes, no = (
        '<expression attribute="x" operation="defined"/>',
        '<expression attribute="y" operation="defined"/>',
    )
    assert judge(yes + no, x="1") is False
    assert judge(yes + no, "or", x="1") is True
    assert judge(f'{yes}<rule boolean-op="or">{no}{yes}</rule>', x="1") is True
