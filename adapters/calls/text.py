"""Finds the calls in a text that arrives in pieces. Knows text and forms; no delta, no family.

However the text is cut, the same calls and the same rest come out. The rest leaves as early as that allows.
"""

import re
from collections.abc import Collection, Sequence

from adapters.calls.forms import FORMS, Call, Candidate, Form

_BARE = tuple(form for form in FORMS if not form.opening)
_TAGGED = {form.opening: (form,) for form in FORMS if form.opening}
_WHOLE = "|".join(re.escape(opening) for opening in _TAGGED)
_BEGUN = "|".join(re.escape(opening[:length]) for opening in _TAGGED for length in range(len(opening) - 1, 0, -1))
# An opening, or what may still become one because the text ends there.
_OPENING = re.compile(rf"({_WHOLE})|(?:{_BEGUN})\Z")
_SPACE = re.compile(r"\s*")
_SEPARATORS = re.compile(r"[\s;]*")


class CallBuffer:
    """Takes text, gives text and calls, in order.

    Args:
        names: The offered tools: only these are ever called.
    """

    __slots__ = ("_called", "_candidate", "_fresh", "_held", "_lead", "_names", "_unopened")

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._held = ""
        self._lead = ""  # white space in front of the candidate: no text if it is a call
        self._candidate: Candidate | None = None
        self._called = False
        self._fresh = True  # no text yet, or none since the last call
        self._unopened = True  # a call may begin here without an opening

    def push(self, text: str) -> list[str | Call]:
        """Take some more text; return what is certain by now."""
        self._held += text
        return self._certain(final=False)

    def flush(self) -> list[str | Call]:
        """The text is over: return what was held. A call that was never finished is text."""
        return self._certain(final=True)

    def _certain(self, *, final: bool) -> list[str | Call]:
        certain: list[str | Call] = []
        while self._held and (candidate := self._candidate or self._begin(certain, final=final)):
            found = candidate.read(self._held, final=final)
            if found is None:
                break
            self._candidate = None
            if found.calls:
                certain += found.calls
                self._held = self._held[found.end :]
                self._called = self._fresh = self._unopened = True
                continue
            self._held = self._lead + self._held
            if candidate.opening:
                self._release(len(self._lead) + len(candidate.opening), certain)
            else:
                self._unopened = False
        return certain

    def _begin(self, certain: list[str | Call], *, final: bool) -> Candidate | None:
        """The candidate that begins in what is held. What can be no part of one is let go."""
        lead = self._lead_length()
        if lead == len(self._held):
            if final:
                self._drop(certain)
            return None
        if self._unopened and self._held[lead] in "{[":
            return self._open(lead, _BARE)
        match = _OPENING.search(self._held)
        opening = match[1] if match else None
        place = match.start() if match and (opening or not final) else len(self._held)
        if not self._fresh or place != lead:
            self._release(place, certain)
            place = 0
        return self._open(place, _TAGGED[opening]) if opening else None

    def _lead_length(self) -> int:
        if not self._fresh:
            return 0
        match = (_SEPARATORS if self._called else _SPACE).match(self._held)
        return match.end() if match else 0

    def _open(self, place: int, forms: Sequence[Form]) -> Candidate:
        self._lead, self._held = self._held[:place], self._held[place:]
        self._candidate = Candidate(forms, self._names)
        return self._candidate

    def _drop(self, certain: list[str | Call]) -> None:
        """Nothing but white space is left: behind a call it says nothing."""
        if self._called:
            self._held = ""
        else:
            self._release(len(self._held), certain)

    def _release(self, length: int, certain: list[str | Call]) -> None:
        if length:
            certain.append(self._held[:length])
            self._held = self._held[length:]
            self._fresh = self._unopened = False
