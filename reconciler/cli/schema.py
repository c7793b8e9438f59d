"""`reconcile schema`."""

import click

from reconciler.load.schema import yaml_schema_text
from reconciler.report.schema import NAMES, document_schema_text


@click.command(epilog="\b\nExamples:\n  reconcile schema > reconciler-v1alpha1.json\n  reconcile schema plan")
@click.argument("document", type=click.Choice(["yaml", *NAMES]), default="yaml")
def schema(document: str) -> None:
    """Print the JSON Schema of the YAML documents, for editors, or of what a command prints with -o json."""
    text = yaml_schema_text() if document == "yaml" else document_schema_text(document)
    click.echo(text, nl=False)
