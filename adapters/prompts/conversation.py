"""A canonical request as Hugging Face's chat templates expect it: plain dictionaries of text. Knows no template.

What a caller wrote cannot pass for what the template writes: ``Controls`` puts a space into every control token in it, as
``turns.py`` does for the built-in templates. Tool arguments and schemas are callers' words as well.

Source: Hugging Face documentation, "Chat templates" and "Tool use", read 2026-11-22.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from adapters.chat import ChatRequest, Document, Image, Message, Reasoning, Text
from adapters.errors import UnsupportedContent
from adapters.prompts.turns import Guard, neutralise

Form = Literal["text", "parts"]
"""How a template reads a message's content: as one text, or as a list of ``{"type": "text", "text": …}``."""

END = "CONTINUE_FINAL_MESSAGE_TAG"
"""Stands behind the last words of a turn that is to be carried on, and in the prompt shows where to cut. The mark, and the way, of
``continue_final_message`` in transformers 5.24, utils/chat_template_utils.py, read 2026-11-28: templates know of neither."""

# Markers that templates write although the tokenizer has no such token: Llama 2's [INST] is plain text to it.
_MARKERS = re.compile(r"\[/?[A-Z][A-Z_]{1,40}\]|<</?[A-Z]{1,16}>>|</?[a-z]{1,20}(?:_[a-z]{1,20}){1,4}>")

# A template may put these together from pieces, as in '<|' ~ message.role ~ '|>': so where it writes any, the form counts.
_BRACKET = re.compile(r"[<\[|{]")
_ANGLED = r"\|[^|<>\s]{1,64}\|>"


class Controls:
    """The control tokens of one model, and how text is kept from being read as one.

    Args:
        special: The tokenizer's special tokens. In no text of a caller's they stay whole.
        added: Its other added tokens, of which those count that look like marks and that the templates write themselves:
            vocabularies add runs of spaces and plain words too. An earlier answer of the model's own may hold them: its
            thoughts between ``<think>`` tags, which a template looks for.
        templates: The templates' texts.
    """

    def __init__(self, special: Iterable[str], added: Iterable[str], templates: Iterable[str]) -> None:
        source = "\0".join(templates)
        own = tuple(special)
        written = (*(token for token in added if token in source and _BRACKET.search(token)), *_MARKERS.findall(source))
        angled = "<|" in source
        self._own = _guard(own, angled=angled)
        self._all = _guard((*own, *written), angled=angled)

    def neutralised(self, text: str, role: str = "user") -> str:
        """The text with a space behind the first character of each control token."""
        guard = self._own if role == "assistant" else self._all
        if guard is None:
            return text
        # A space may make one token of another, if somebody's vocabulary has both: so until nothing is left.
        while (changed := neutralise(text, guard)) != text:
            text = changed
        return text

    def within(self, value: Any) -> Any:
        """A JSON value with every text in it neutralised, names included."""
        if isinstance(value, str):
            return self.neutralised(value)
        if isinstance(value, Mapping):
            return {self.neutralised(str(key)): self.within(entry) for key, entry in value.items()}
        if isinstance(value, list | tuple):
            return [self.within(entry) for entry in value]
        return value


def _guard(tokens: Iterable[str], *, angled: bool) -> Guard | None:
    """``None`` when there is nothing to guard against. A token of one character has no inside for a space to go into; spaces
    around one are not counted, since one more would change nothing.
    """
    long = [token for token in dict.fromkeys(token.strip() for token in tokens) if len(token) > 1]
    rests: dict[str, list[str]] = {"<": [_ANGLED]} if angled else {}
    for token in long:
        rests.setdefault(token[0], []).append(re.escape(token[1:]))
    if not rests:
        return None
    marks = {token[:2] for token in long} | ({"<|"} if angled else set())
    return Guard(tuple(marks), re.compile("|".join(f"{re.escape(first)}(?={'|'.join(rest)})" for first, rest in rests.items())))


def messages(request: ChatRequest, controls: Controls, form: Form) -> list[dict[str, Any]]:
    """The conversation. A tool's answer is given the name of the function, which some templates want and OpenAI's API lacks."""
    names = {call.id: call.name for message in request.messages for call in message.tool_calls}
    return [_message(message, names, controls, form) for message in request.messages]


def marked(said: Sequence[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """The conversation with ``END`` behind the assistant's last words, white space at their end left out.

    Returns:
        ``None`` where somebody else has spoken last: then the answer is a turn of its own.
    """
    *earlier, last = said
    if last["role"] != "assistant":
        return None
    content = last["content"]
    if isinstance(content, str):
        return [*earlier, {**last, "content": f"{content.rstrip()}{END}"}]
    *before, block = content
    if block["type"] != "text":
        return [*earlier, {**last, "content": [*content, {"type": "text", "text": END}]}]
    return [*earlier, {**last, "content": [*before, {**block, "text": f"{block['text'].rstrip()}{END}"}]}]


def tools(request: ChatRequest, controls: Controls) -> list[dict[str, Any]] | None:
    """The tools as JSON schemas; ``None`` when the model shall call none."""
    if not request.tools or (request.tool_choice is not None and request.tool_choice.mode == "none"):
        return None
    described = []
    for tool in request.tools:
        function: dict[str, Any] = {"name": tool.name}
        if tool.description is not None:
            function["description"] = tool.description
        function["parameters"] = tool.parameters
        described.append({"type": "function", "function": controls.within(function)})
    return described


def documents(request: ChatRequest, controls: Controls) -> list[dict[str, Any]] | None:
    """The documents beside the turns, numbered from 1; ``None`` when there are none.

    Raises:
        UnsupportedContent: One is no text.
    """
    found: list[dict[str, Any]] = []
    for index, message in enumerate(request.messages):
        for position, part in enumerate(message.parts):
            if isinstance(part, Document):
                if part.media_type != "text/plain":
                    place = f"messages[{index}].content[{position}]"
                    raise UnsupportedContent(f"{place} is {part.media_type}: a prompt takes text/plain", parameter=place)
                title = controls.neutralised(part.title or "")
                found.append({"doc_id": len(found) + 1, "title": title, "text": controls.neutralised(part.data)})
    return found or None


def merged(request: ChatRequest) -> ChatRequest:
    """The request with neighbouring turns of one role in one, joined by an empty line: many templates want roles to alternate.

    Tools' answers and calls stay apart: each is a turn of its own.
    """
    joined: list[Message] = []
    for message in request.messages:
        last = joined[-1] if joined else None
        if last is not None and last.role == message.role and message.role != "tool" and not last.tool_calls:
            between = (Text("\n\n"),) if last.parts and message.parts else ()
            joined[-1] = replace(message, parts=(*last.parts, *between, *message.parts))
        else:
            joined.append(message)
    return replace(request, messages=tuple(joined))


def _message(message: Message, names: Mapping[str, str], controls: Controls, form: Form) -> dict[str, Any]:
    said: dict[str, Any] = {"role": message.role, "content": _content(message, controls, form)}
    thoughts = "".join(part.text for part in message.parts if isinstance(part, Reasoning))
    if thoughts:
        # Two names for one thing, as transformers gives it.
        said["reasoning_content"] = said["thinking"] = controls.neutralised(thoughts, message.role)
    if message.tool_calls:
        said["tool_calls"] = [
            {
                "id": controls.neutralised(call.id),
                "type": "function",
                "function": {"name": controls.neutralised(call.name), "arguments": controls.within(_arguments(call.arguments))},
            }
            for call in message.tool_calls
        ]
    name = message.name or names.get(message.tool_call_id or "")
    if message.tool_call_id is not None:
        said["tool_call_id"] = controls.neutralised(message.tool_call_id)
    if name is not None:
        said["name"] = controls.neutralised(name)
    return said


def _content(message: Message, controls: Controls, form: Form) -> str | list[dict[str, Any]]:
    parts: Sequence[Text | Image] = [part for part in message.parts if isinstance(part, Text | Image)]
    if form == "text" and all(isinstance(part, Text) for part in parts):
        return controls.neutralised(message.text, message.role)
    # Neutralised as a whole, so that no token hides in the seam between two texts that a template writes side by side.
    content: list[dict[str, Any]] = []
    run = ""
    for part in parts:
        if isinstance(part, Text):
            run += part.text
            continue
        if run:
            content.append({"type": "text", "text": controls.neutralised(run, message.role)})
            run = ""
        content.append({"type": "image"})
    if run or not content:
        content.append({"type": "text", "text": controls.neutralised(run, message.role)})
    return content


def _arguments(text: str) -> Any:
    """The arguments as the object that they are: templates write them down by ``tojson``. A text that is none stays a text."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
