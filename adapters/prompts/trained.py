"""The prompt format that a model was trained on: a text with named places, filled from a request. Knows no family's body.

A fine-tune answers well only to the prompt that it has seen. Three names have a meaning of their own: ``{message}`` is the last
user message, ``{system}`` the system messages; every other place is a variable that the request has to bring. ``{{`` and ``}}``
stand for braces.

Whatever is filled in is somebody else's text: the template's own words in it, and the control tokens of any prompt model, get
a space, so that nobody can forge another place or another turn. What was visible stays visible.
"""

import re
from collections.abc import Mapping, Sequence
from string import Formatter
from typing import NamedTuple

from msgspec.structs import replace

from adapters.chat import ChatRequest, Document, Image, Message, Part, Text
from adapters.errors import InvalidParameter, UnsupportedContent, UnsupportedParameter
from adapters.prompts.turns import ANGLED, LLAMA2, MISTRAL, neutralise

MESSAGE = "message"
SYSTEM = "system"
VARIABLES = frozenset({"metadata", "quarry", "promptVariables"})
"""The fields in which callers send variables."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_SHORTEST_MARK = 3  # "Q:" and the like stand in everybody's text


class Template(NamedTuple):
    """A prompt format, read.

    Attributes:
        pieces: Its own text and its places by turns: text, name, text, …, text.
        stop: Where the answer ends, beside what the caller says.
        marks: Its own words, which in a filled-in text get a space.
    """

    pieces: tuple[str, ...]
    stop: tuple[str, ...]
    marks: re.Pattern[str] | None

    @property
    def places(self) -> tuple[str, ...]:
        """The names of its places, each once, in order."""
        return tuple(dict.fromkeys(self.pieces[1::2]))


def parse(text: str, stop: Sequence[str] = ()) -> Template:
    """Read a template.

    Raises:
        ValueError: A brace stands alone, or what is between two is no plain name; the message says what to write.
    """
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{error}: braces that are no place are written twice, {{{{ and }}}}") from error
    pieces = [""]
    for literal, name, form, conversion in parsed:
        pieces[-1] += literal
        if name is None:
            continue
        if form or conversion or not _NAME.fullmatch(name):
            raise ValueError(f'"{{{name}}}" is no place: write a plain name in braces, as in {{question}}')
        pieces += [name, ""]
    if len(pieces) == 1:
        raise ValueError("has no place for anything a request says: write {message} where the user's message belongs")
    return Template(tuple(pieces), tuple(stop), _marks(pieces[::2]))


def _marks(texts: Sequence[str]) -> re.Pattern[str] | None:
    """The lines of the template's own text that are long enough to mean something, longest first."""
    lines = {line.strip() for text in texts for line in text.splitlines()}
    words = sorted((line for line in lines if len(line) >= _SHORTEST_MARK), key=lambda line: (-len(line), line))
    # A model reads "###\tresponse:" as it reads "### Response:".
    loose = (r"\s+".join(re.escape(part) for part in word.split()) for word in words)
    return re.compile("|".join(loose), re.IGNORECASE) if words else None


def fill(request: ChatRequest, template: Template, *, is_prompt: bool) -> ChatRequest:
    """The request with its last user message in the format that the model was trained on.

    Args:
        is_prompt: The family reads one prompt: then what was written is all of it. Else it is the last turn of the conversation.

    Raises:
        InvalidParameter: A variable that a place needs was not sent.
        UnsupportedParameter, UnsupportedContent: What a prompt of one message has no place for: tools, images, earlier turns.
    """
    *earlier, last = request.messages
    if last.role != "user":
        where = f"messages[{len(earlier)}]"
        raise UnsupportedContent(f"{where} must be the user's: this model's prompt is written around it", parameter=where)
    _refuse_unplaced(request, template)
    if is_prompt:
        _refuse_unwritten(request)
        _refuse_turns(earlier, template)
    text = "".join(template.pieces[0:1] + tuple(_filled(request, template, is_prompt=is_prompt)))
    # What filled a place was not ignored; what came beside it was.
    used = request.variables is not None and request.variables.keys() <= set(template.places)
    advisory = tuple(name for name in request.advisory if name not in VARIABLES) if used else request.advisory
    sampling = replace(request.sampling, stop=(*request.sampling.stop, *template.stop)) if template.stop else request.sampling
    if is_prompt:
        return replace(request, prompt=text, sampling=sampling, advisory=advisory)
    others: tuple[Part, ...] = tuple(part for part in last.parts if not isinstance(part, Text))
    kept = [message for message in earlier if SYSTEM not in template.places or message.role != "system"]
    messages = (*kept, replace(last, parts=(*others, Text(text))))
    return replace(request, messages=messages, sampling=sampling, advisory=advisory)


def _filled(request: ChatRequest, template: Template, *, is_prompt: bool) -> list[str]:
    """What stands behind the template's first text: each place's value, and the text after it."""
    values = _values(request, template)
    filled: list[str] = []
    for name, own in zip(template.pieces[1::2], template.pieces[2::2], strict=True):
        filled += [_harmless(values[name], template, is_prompt=is_prompt), own]
    return filled


def _values(request: ChatRequest, template: Template) -> Mapping[str, str]:
    said = {
        MESSAGE: request.messages[-1].text,
        SYSTEM: "\n\n".join(message.text for message in request.messages if message.role == "system"),
        **(request.variables or {}),
    }
    missing = [name for name in template.places if name not in said]
    # A model of one question needs no ceremony: the message is it.
    if len(missing) == 1 and set(template.places) - {SYSTEM} == set(missing):
        return {**said, missing[0]: said[MESSAGE]}
    if missing:
        names = ", ".join(missing)
        raise InvalidParameter(f"metadata lacks variables that this model's prompt needs: {names}", parameter="metadata")
    return said


def _harmless(value: str, template: Template, *, is_prompt: bool) -> str:
    if template.marks is not None:
        value = template.marks.sub(lambda found: f"{found[0][:-1]} {found[0][-1]}", value)
    if is_prompt:
        for guard in (ANGLED, LLAMA2, MISTRAL):
            value = neutralise(value, guard)
    return value


def _refuse_unplaced(request: ChatRequest, template: Template) -> None:
    """A message that says something and would stand nowhere."""
    free = [name for name in template.places if name != SYSTEM and name not in (request.variables or {})]
    if MESSAGE not in template.places and not free and request.messages[-1].text.strip():
        where = f"messages[{len(request.messages) - 1}].content"
        raise UnsupportedContent(
            f'{where} has no place in this model\'s prompt, which is written from variables alone: send "" there', parameter=where
        )


def _refuse_unwritten(request: ChatRequest) -> None:
    """What a chat template would have written into the prompt, and this format has no place for."""
    for name, said in (("tools", request.tools), ("response_format", request.response_format)):
        if said:
            raise UnsupportedParameter(f"{name} is not supported here: this model's prompt has no place for it", parameter=name)
    for position, part in enumerate(request.messages[-1].parts):
        if isinstance(part, Image | Document):
            where = f"messages[{len(request.messages) - 1}].content[{position}]"
            raise UnsupportedContent(f"{where} is not text, and this model's prompt has no place for it", parameter=where)


def _refuse_turns(earlier: Sequence[Message], template: Template) -> None:
    for index, message in enumerate(earlier):
        if message.role == "system" and SYSTEM in template.places:
            continue
        where = f"messages[{index}]"
        if message.role == "system":
            raise UnsupportedContent(
                f"{where} is a system message, and this model's prompt has no place for one", parameter=where
            )
        raise UnsupportedContent(f"{where} is an earlier turn, and this model's prompt holds a single message", parameter=where)
