"""`reconcile schema`."""

import click

from reconciler.load.schema import yaml_schema_text


@click.command(epilog="\b\nExample:\n  reconcile schema > reconciler-v1alpha1.json")
def schema() -> None:
    """Print the JSON Schema of the YAML documents, for editors."""
    click.echo(yaml_schema_text(), nl=False)
