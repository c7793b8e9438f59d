"""ruamel's parser: text to events, and its errors in our words; builds no values."""

from collections.abc import Iterator

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import Event

_PARSER_ERRORS = (
    YAMLError, ValueError, LookupError, ArithmeticError, AttributeError, TypeError, AssertionError, RuntimeError,
)  # fmt: skip
"""ruamel lets Python's own errors through on some malformed input, such as an OverflowError for "\\U99999999"."""


class YamlSyntaxError(ValueError):
    """The text is not YAML from some place on."""

    def __init__(self, place: tuple[int, int] | None, code: str, text: str, hint: str) -> None:
        super().__init__(text)
        self.place = place
        """Line and column, from 1; None: somewhere after the last event."""
        self.code = code
        self.text = text
        self.hint = hint


def events(text: str) -> Iterator[Event]:
    """Yield the parser's events; only as much is read ahead as YAML needs.

    Raises:
        YamlSyntaxError: after the events of what comes before the mistake.
    """
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        raise _translate(error) from error
    except _PARSER_ERRORS as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        hint = "the mistake is here or after it"
        raise YamlSyntaxError(None, "syntax", f"this is not YAML: {what}", hint) from error


def _translate(error: MarkedYAMLError) -> YamlSyntaxError:
    mark = error.problem_mark or error.context_mark
    place = (mark.line + 1, mark.column + 1) if mark is not None else None
    text = error.problem or error.context or "this is not YAML"
    if "'\\t'" in text:
        return YamlSyntaxError(place, "tab", "there is a tab here", "indent and separate with spaces")
    hint = error.context if error.context and error.problem else ""
    if "mapping values are not allowed" in text:
        hint = "indent it as the lines around it, or quote text that contains ': '"
    elif "cannot start any token" in text:
        hint = "quote the text"
    return YamlSyntaxError(place, "syntax", text, hint)
