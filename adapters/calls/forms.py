"""How models write tool calls into their text: one table. Knows no family, and no prompt that taught them so.

A model does not keep to the form that its prompt asked for, and a server may swallow the token in front of it. So every
form is looked for wherever calls are read at all; what tells a call from prose is that it is well-formed to its last
bracket and names a tool that was offered.

Source: vllm-project/vllm, tool parsers and examples/tool_chat_template_*.jinja; meta-llama/llama-models,
text_prompt_format of Llama 3.1, 3.2 and 3.3; chat templates of Qwen 2.5, Mistral 7B v0.3 and Granite 3.x; OpenAI's
harmony format; all read 2026-11-23.
"""

import re
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import NamedTuple, Protocol

import msgspec
from msgspec import Raw, Struct

from adapters.calls import literals
from adapters.calls.scan import BROKEN, JsonScan, PythonScan

Call = tuple[str, str]
"""The name of a tool, and the arguments as JSON text of one object."""


class Found(NamedTuple):
    """What a text turned out to be. Without calls: a text.

    Attributes:
        end: Where what the calls were written in ends.
    """

    calls: Sequence[Call]
    end: int


NOTHING = Found((), 0)


class Body(Protocol):
    """Follows what stands behind a form's opening."""

    def follow(self, text: str) -> int | None:
        """Where it ends; ``scan.BROKEN``; ``None`` while it may still become a call."""
        ...

    def calls(self, text: str, end: int) -> Sequence[Call] | None:
        """What has been called, or ``None`` where it was none after all."""
        ...


class Written(Struct, frozen=True, forbid_unknown_fields=True):
    """A call as JSON. Nothing else may stand in it: an answer that happens to have a ``name`` is an answer."""

    name: str
    parameters: Raw = Raw()
    arguments: Raw = Raw()
    type: str | None = None
    id: str | None = None


_decode_one = msgspec.json.Decoder(Written).decode
_decode_list = msgspec.json.Decoder(list[Written]).decode
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode


class One:
    """``{"name": …, "parameters": …}``; many say ``arguments``."""

    def __init__(self, start: int, names: Collection[str]) -> None:
        self._start = start
        self._scan = JsonScan(start, names)

    def follow(self, text: str) -> int | None:
        """See ``Body``."""
        return self._scan.follow(text)

    def calls(self, text: str, end: int) -> Sequence[Call] | None:
        """See ``Body``."""
        return _checked(lambda: [_call(_decode_one(text[self._start : end]))])


class Several:
    """A list of the same."""

    def __init__(self, start: int, names: Collection[str]) -> None:
        self._start = start
        self._scan = JsonScan(start, names, listed=True)

    def follow(self, text: str) -> int | None:
        """See ``Body``."""
        return self._scan.follow(text)

    def calls(self, text: str, end: int) -> Sequence[Call] | None:
        """See ``Body``."""
        return _checked(lambda: [_call(written) for written in _decode_list(text[self._start : end])])


class Pythonic:
    """``[f(a=1), g()]``."""

    def __init__(self, start: int, names: Collection[str]) -> None:
        self._start = start
        self._scan = PythonScan(start, names)

    def follow(self, text: str) -> int | None:
        """See ``Body``."""
        return self._scan.follow(text)

    def calls(self, text: str, end: int) -> Sequence[Call] | None:
        """See ``Body``."""
        return literals.calls(text[self._start : end])


class Named:
    """A name, something between, and the arguments alone: ``f>{…}``.

    Args:
        between: What stands between the name and the arguments, whatever else does.
    """

    def __init__(self, start: int, names: Collection[str], *, between: str) -> None:
        self._start = start
        self._names = names
        self._between = between
        self._name = ""
        self._arguments = 0
        self._scan: JsonScan | None = None

    def follow(self, text: str) -> int | None:
        """See ``Body``."""
        if self._scan is None:
            place = text.find(self._between, self._start)
            said = text[self._start : place if place >= 0 else None]
            if not self._may_say(said, whole=place >= 0):
                return BROKEN
            if place < 0:
                return None
            self._arguments = place + len(self._between)
            self._scan = JsonScan(self._arguments, None)
        return self._scan.follow(text)

    def calls(self, text: str, end: int) -> Sequence[Call] | None:
        """See ``Body``."""
        return _checked(lambda: [(self._name, _object(text[self._arguments : end].strip()))])

    def _may_say(self, said: str, *, whole: bool) -> bool:
        match = _WORD.match(said)
        self._name = match[0] if match else ""
        if whole or self._name != said:
            return self._name in self._names and len(said) < _LONGEST_HEAD
        return any(name.startswith(said) for name in self._names)


_WORD = re.compile(r"[\w-]+")
_LONGEST_HEAD = 200  # a name has at most 64 characters, and harmony a few words behind it


def _checked(read: Callable[[], Sequence[Call]]) -> Sequence[Call] | None:
    try:
        return read() or None
    except (ValueError, RecursionError):
        return None


def _call(written: Written) -> Call:
    said = [bytes(raw) for raw in (written.parameters, written.arguments) if bytes(raw)]
    if len(said) > 1:
        raise ValueError("a call has its arguments once")
    arguments = said[0].decode() if said else "null"
    if arguments == "null":
        return written.name, "{}"
    # Some write the arguments as OpenAI sends them: as text that holds the object.
    return written.name, _object(_decode_text(arguments) if arguments.startswith('"') else arguments)


def _object(text: str) -> str:
    _decode_object(text)
    return text


class Form(NamedTuple):
    """One way of writing calls.

    Attributes:
        opening: What stands in front; ``""``: nothing does, so it is only looked for where the reply, or the text after
            another call, begins: in the middle of prose it would be an example.
        closing: What may stand behind. It may be missing: the end of the reply says as much.
    """

    name: str
    opening: str
    bodies: tuple[Callable[[int, Collection[str]], Body], ...]
    closing: str = ""


FORMS = (
    Form("llama", "", (One,)),
    Form("pythonic", "", (Pythonic,)),
    Form("list", "", (Several,)),  # Mistral's and Granite's, where the server has swallowed the token in front
    Form("python_tag", "<|python_tag|>", (One, Pythonic)),
    Form("function", "<function=", (partial(Named, between=">"),), "</function>"),
    Form("hermes", "<tool_call>", (One, Several), "</tool_call>"),
    Form("mistral", "[TOOL_CALLS]", (Several, One)),
    Form("granite", "<|tool_call|>", (Several, One)),
    Form("harmony", "<|channel|>commentary to=functions.", (partial(Named, between="<|message|>"),), "<|call|>"),
)


class Candidate:
    """A text that may be a call in one of some forms that begin alike.

    Args:
        forms: Forms with the same opening.
    """

    def __init__(self, forms: Sequence[Form], names: Collection[str]) -> None:
        self.opening = forms[0].opening
        self._forms = forms
        self._names = names
        self._alive: list[tuple[Body, str]] | None = None
        self._ended: tuple[Body, str, int] | None = None

    def read(self, text: str, *, final: bool) -> Found | None:
        """What the text is that begins with the opening; ``None`` while that is open. With ``final`` it never is."""
        if self._alive is None:
            start = _beginning(text, len(self.opening))
            if start < len(text):
                self._alive = [(body(start, self._names), form.closing) for form in self._forms for body in form.bodies]
        if self._ended is None and self._alive:
            self._follow(text)
        if self._ended is None:
            return NOTHING if final or self._alive == [] else None
        body, closing, end = self._ended
        closed = _closed(text, end, closing, final=final)
        return None if closed is None else Found(body.calls(text, end) or (), closed)

    def _follow(self, text: str) -> None:
        """Let each body go on, until one has ended; those that are broken fall away."""
        for one in self._alive or []:
            end = one[0].follow(text)
            if end is not None and end != BROKEN:
                self._ended = (*one, end)
                return
            if end == BROKEN:
                self._alive = [other for other in self._alive or [] if other is not one]


def _beginning(text: str, at: int) -> int:
    return at + len(text[at:]) - len(text[at:].lstrip())


def _closed(text: str, end: int, closing: str, *, final: bool) -> int | None:
    """Where the form ends whose body ended at ``end``; ``None`` while its closing may still come."""
    if not closing:
        return end
    start = _beginning(text, end)
    if text.startswith(closing, start):
        return start + len(closing)
    return None if closing.startswith(text[start:]) and not final else end
