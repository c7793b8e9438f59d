import json

from reconciler.report.document import listed, to_text


def test_documents_keep_their_order_and_their_letters() -> None:
    document = {"zeta": [{"ü": 1}], "alpha": None}
    text = to_text(document)
    assert json.loads(text) == document
    assert text.splitlines()[1:4] == ['  "zeta": [', "    {", '      "ü": 1']
    assert listed(document, "zeta") == [{"ü": 1}]
