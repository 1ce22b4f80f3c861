"""Where a call ends in a text that is still arriving, or that it is none. Linear in the text, however it is cut.

Each scan goes on where it stopped, and gives up at the first character that no call could have there: what only looked
like a call is held no longer than that. What lies between the brackets is judged once, when the last one has closed.
Knows brackets, quotes and the names of the offered tools; no model's way of marking a call.
"""

import re
from collections.abc import Collection

BROKEN = -1
"""The text is no call, whatever may follow."""

# What a call written as JSON may say beside its arguments: Llama 3.1 likes to add "type": "function", Mistral an "id".
KEYS = ("name", "parameters", "arguments", "type", "id")

_JSON = re.compile(r"[\s\d:,+\-.eEtrufalsn]*")  # outside brackets and strings: numbers, true, false, null
_PYTHON = re.compile(r"[\w\s=,:+\-.]*")  # the same, and bare names
_CALLED = re.compile(r"[\s,]*([\w-]*)\s*")
_UNQUOTED = {quote: re.compile(rf"[^{quote}\\\x00-\x1f]*") for quote in ('"', "'")}


def _run(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where the characters end that the pattern repeats; it may match none."""
    match = pattern.match(text, at)
    return match.end() if match else at


class Quoted:
    """Follows one string to its closing quote."""

    __slots__ = ("_at", "_start")

    def __init__(self, start: int) -> None:
        self._start = start
        self._at = start + 1

    def said(self, text: str, end: int | None = None) -> str:
        """What stands between the quotes, escapes as they are written."""
        return text[self._start + 1 : end]

    def follow(self, text: str) -> int | None:
        """Where the closing quote stands; ``BROKEN`` at a control character; ``None`` while it has not come."""
        quote = text[self._start]
        while True:
            self._at = _run(_UNQUOTED[quote], text, self._at)
            if self._at == len(text):
                return None
            if text[self._at] == quote:
                return self._at
            if text[self._at] != "\\":
                return BROKEN
            if self._at + 1 == len(text):
                return None
            self._at += 2


class JsonScan:
    """Follows one JSON object, or a list of objects.

    Args:
        start: Where the first bracket is due; white space may stand before it.
        names: The offered tools: an object that names another is no call. ``None``: the object is the arguments
            themselves, and may have any member.
        listed: Whether the objects stand in a list.
    """

    __slots__ = ("_at", "_depth", "_key", "_last", "_level", "_listed", "_names", "_quoted")

    def __init__(self, start: int, names: Collection[str] | None, *, listed: bool = False) -> None:
        self._at = start
        self._names = names
        self._listed = listed
        self._level = 2 if listed else 1  # how deep the members of a call lie
        self._depth = 0
        self._last = ""
        self._key = ""
        self._quoted: Quoted | None = None

    def follow(self, text: str) -> int | None:
        """The place behind the last bracket; ``BROKEN``; ``None`` while it may still come."""
        while self._at < len(text):
            if self._quoted is not None:
                if (verdict := self._pass_string(text, self._quoted)) is not True:
                    return verdict
                continue
            if not self._pass_gap(text):
                return BROKEN
            if self._at < len(text):
                if not self._take(text[self._at]):
                    return BROKEN
                self._at += 1
                if not self._depth:
                    return self._at
        return None

    def _pass_string(self, text: str, quoted: Quoted) -> int | bool | None:
        """True when the string has ended, and a call may have it there."""
        end = quoted.follow(text)
        if end == BROKEN or not self._may_say(quoted.said(text, end), whole=end is not None):
            return BROKEN
        if end is None:
            return None
        self._at, self._last, self._quoted = end + 1, '"', None
        return True

    def _pass_gap(self, text: str) -> bool:
        """Pass over what stands between brackets and strings; false where no call has such a thing."""
        begin, self._at = self._at, _run(_JSON, text, self._at)
        gap = text[begin : self._at].strip()
        if self._depth < self._level:
            return not gap or (gap == "," and self._depth > 0)
        if gap and self._depth == self._level and self._last == "{":
            return False
        if gap.endswith((":", ",")):
            self._last = gap[-1]
        return True

    def _take(self, mark: str) -> bool:
        """Go through a bracket or into a string; false where no call has one."""
        between = self._depth < self._level
        if mark == '"' and not between:
            self._quoted = Quoted(self._at)
            return True
        if (
            mark == ("[" if self._listed else "{")
            or (mark in "[{" and self._depth and not between)
            or (mark == "{" and self._depth)
        ):
            self._depth += 1
        elif mark in "]}" and self._depth:
            self._depth -= 1
        else:
            return False
        self._last = mark
        return True

    def _may_say(self, said: str, *, whole: bool) -> bool:
        """Whether a call may have this member, or the beginning of one; and whether it may name this tool."""
        if self._names is None or self._depth != self._level:
            return True
        if self._last != ":":
            if whole:
                self._key = said
            return _may_be(said, KEYS, whole=whole)
        return self._key != "name" or _may_be(said, self._names, whole=whole)


class PythonScan:
    """Follows a list of calls as Python writes them: ``[f(a=1), g()]``.

    Args:
        start: Where the first bracket is due.
        names: The offered tools.
    """

    __slots__ = ("_at", "_depth", "_names", "_quoted", "_start")

    def __init__(self, start: int, names: Collection[str]) -> None:
        self._start = start
        self._at = start + 1
        self._names = names
        self._depth = 1
        self._quoted: Quoted | None = None

    def follow(self, text: str) -> int | None:
        """The place behind the last bracket; ``BROKEN``; ``None`` while it may still come."""
        if not text.startswith("[", self._start):
            return BROKEN
        while self._at < len(text):
            if self._quoted is not None:
                end = self._quoted.follow(text)
                if end is None or end == BROKEN:
                    return end
                self._at, self._quoted = end + 1, None
            elif self._depth == 1:
                if (verdict := self._name(text)) is not True:
                    return verdict
            else:
                self._at = _run(_PYTHON, text, self._at)
                if self._at < len(text) and not self._take(text[self._at]):
                    return BROKEN
        return None

    def _name(self, text: str) -> int | bool | None:
        """The name of the next call, up to its bracket: true when that is open; the end when the list has closed."""
        match = _CALLED.match(text, self._at)
        name, end = (match[1], match.end()) if match else ("", self._at)
        if end == len(text):
            return None if _may_be(name, self._names, whole=False) else BROKEN
        if text[end] == "]" and not name:
            return end + 1
        if text[end] != "(" or name not in self._names:
            return BROKEN
        self._at, self._depth = end + 1, 2
        return True

    def _take(self, mark: str) -> bool:
        if mark in _UNQUOTED:
            self._quoted = Quoted(self._at)
        elif mark in "([{":
            self._depth += 1
        elif mark in ")]}":
            self._depth -= 1
        else:
            return False
        self._at += 1
        return True


def _may_be(said: str, words: Collection[str], *, whole: bool) -> bool:
    return said in words if whole else any(word.startswith(said) for word in words)
