"""What an unquoted word in YAML means: text, a whole number, true or false; and what is too easily misread.

YAML 1.1 and 1.2 read 0755, 0o17, 1_000 or NO differently, and many numbers lose their spelling when they are
read. So an unquoted scalar either keeps its exact spelling, or it is refused with the advice to quote it.
"""

import re

Plain = str | int | bool

_INTEGER = re.compile(r"(0|-?[1-9][0-9]*)\Z")
_OTHER_INTEGER = re.compile(r"([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)\Z")
_NOT_FINITE = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "false": False}
_OTHER_BOOLEANS = frozenset({"True", "TRUE", "False", "FALSE"})
_FIRST = frozenset("0123456789+-.~nNtTfF")
_MAX_DIGITS = 18
"""All integers of the schema fit in 60 bits; Python itself refuses to convert very long ones."""


class ScalarError(ValueError):
    """An unquoted scalar that says something else than it seems to."""

    def __init__(self, code: str, text: str, hint: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.hint = hint


def resolve(text: str) -> Plain:
    """Return the value of an unquoted scalar: exactly one spelling for each number and truth value.

    Raises:
        ScalarError: null, a float, or a number or truth value in another spelling.
    """
    if text and text[0] not in _FIRST:
        return text
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text in _NULL:
        hint = (
            'remove the line, or write "" for an empty text'
            if text in {"", "~"}
            else f'quote it ("{text}") or remove it'
        )
        raise ScalarError(
            "null", "there is no value here" if not text else f"{text} is YAML for no value", hint
        )
    quote = f'quote it: "{text}"' if len(text) <= 60 else "quote it"
    if text in _OTHER_BOOLEANS:
        lower = text.lower()
        raise ScalarError("ambiguous", f"{text} is another spelling of {lower}", f"write {lower}, or {quote}")
    if _INTEGER.match(text):
        if len(text) > _MAX_DIGITS:
            raise ScalarError("ambiguous", "this number is too large", quote)
        return int(text)
    if _OTHER_INTEGER.match(text):
        what = (
            "a number with leading zeros"
            if text.lstrip("+-").startswith("0")
            else "a number with a plus sign"
        )
        if text.startswith(("0x", "0o")):
            what = "a hexadecimal or octal number"
        raise ScalarError("ambiguous", f"{text[:60]} is {what}, which programs read differently", quote)
    if _NOT_FINITE.match(text) or _FLOAT.match(text):
        raise ScalarError("float", f"{text[:60]} would be read as a floating-point number", quote)
    return text
