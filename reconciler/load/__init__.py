"""Text in, an intent or problems out; the only place that knows YAML. Touches no file."""
