import json

import pytest

from reconciler.load.schema import yaml_schema
from reconciler.report.schema import NAMES, document_schema
from tests.cli.conftest import Run


def test_the_schema_of_declarations_is_printed(bare: Run) -> None:
    done = bare("schema")
    assert (done.code, json.loads(done.out), done.err) == (0, yaml_schema(), "")
    assert bare("schema", "yaml").out == done.out


@pytest.mark.parametrize("name", NAMES)
def test_the_schemas_of_documents_are_printed(bare: Run, name: str) -> None:
    assert json.loads(bare("schema", name).out) == document_schema(name)
