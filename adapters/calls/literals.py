"""Python's way of writing calls, ``[f(a=1, b=["x"])]``, into names and JSON. Reads literals only, and runs nothing."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])
      | (?P<word>[^\W\d][\w-]*)
      | (?P<mark>[][(){}=,:])
    )\s*""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\\": "\\", "'": "'", '"': '"'}
# JSON's spelling too: models mix the two.
_CONSTANTS = {"True": True, "False": False, "None": None, "true": True, "false": False, "null": None}
_CLOSING = {"[": "]", "(": ")"}
_MOST_LEVELS = 64


class _NotACall(ValueError):
    """The text is not what it looked like."""


def calls(text: str) -> list[tuple[str, str]] | None:
    """The names and the arguments, JSON text of one object each; ``None`` where it is no list of calls after all.

    Arguments must have names: which parameter a bare value is meant for, only the tool's author knows.
    """
    try:
        return _Reading(text).calls()
    except (ValueError, OverflowError):  # a lone surrogate, a number of too many digits, and all that we refuse ourselves
        return None


class _Reading:
    """One text, token by token."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._kind = self._word = ""
        self._next()

    def calls(self) -> list[tuple[str, str]]:
        self._expect("[")
        found: list[tuple[str, str]] = []
        while not self._is("]"):
            name = self._name()
            self._expect("(")
            # Encoded to be sure that it can be: half a character is no text.
            arguments = json.dumps(self._members(")", "=", 0), ensure_ascii=False, allow_nan=False)
            arguments.encode()
            found.append((name, arguments))
            self._separate("]")
        self._expect("]")
        if self._kind != "end" or not found:
            raise _NotACall
        return found

    def _value(self, level: int) -> Any:
        if level == _MOST_LEVELS:
            raise _NotACall
        kind, word = self._kind, self._word
        self._next()
        if kind == "string":
            return _ESCAPE.sub(_unescaped, word[1:-1])
        if kind == "number":
            return _number(word)
        if kind == "word" and word in _CONSTANTS:
            return _CONSTANTS[word]
        if word in _CLOSING:
            return self._items(_CLOSING[word], level + 1)
        if word == "{":
            return self._members("}", ":", level + 1)
        raise _NotACall

    def _items(self, closing: str, level: int) -> list[Any]:
        items: list[Any] = []
        while not self._is(closing):
            items.append(self._value(level))
            self._separate(closing)
        self._next()
        return items

    def _members(self, closing: str, joint: str, level: int) -> dict[str, Any]:
        """Named arguments, or a dictionary whose keys are strings."""
        members: dict[str, Any] = {}
        while not self._is(closing):
            key = self._name() if joint == "=" else self._value(level)
            if not isinstance(key, str) or key in members:
                raise _NotACall
            self._expect(joint)
            members[key] = self._value(level)
            self._separate(closing)
        self._next()
        return members

    def _name(self) -> str:
        if self._kind != "word":
            raise _NotACall
        word = self._word
        self._next()
        return word

    def _separate(self, closing: str) -> None:
        if not self._is(closing):
            self._expect(",")

    def _is(self, mark: str) -> bool:
        return self._kind == "mark" and self._word == mark

    def _expect(self, mark: str) -> None:
        if not self._is(mark):
            raise _NotACall
        self._next()

    def _next(self) -> None:
        self._kind, self._word = next(self._tokens)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _NotACall
        yield match.lastgroup, match[match.lastgroup]
        at = match.end()
    while True:
        yield "end", ""


def _number(written: str) -> int | float:
    try:
        return int(written)
    except ValueError:
        number = float(written)
    if not math.isfinite(number):
        raise _NotACall
    return number


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code:
        return chr(int(code, 16))
    # Python leaves a backslash that escapes nothing where it is.
    return _ESCAPED.get(match[4], match[0])
