"""Reads one prompt string back into turns, as a model does. Knows the published chat templates, never who sent them."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from gateway.sandbox.conversation import Role, Tool, Turn

_WORDS: dict[str, Role] = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "ipython": "tool",
    "tool": "tool",
}


class _Template(NamedTuple):
    """``sign`` says that a prompt is written so; ``read`` takes it apart."""

    sign: re.Pattern[str]
    read: Callable[[str], Iterator[Turn]]


def turns(prompt: str) -> tuple[Turn, ...]:
    """The conversation inside a prompt, oldest first; a prompt in no template that we know is one turn of the user's."""
    template = next((template for template in _TEMPLATES if template.sign.search(prompt)), None)
    found = template.read(prompt) if template else iter(())
    kept = tuple(turn for turn in found if turn.text)
    return kept or (Turn("user", prompt.strip()),)


_LLAMA3 = re.compile(r"<\|start_header_id\|>(\w+)<\|end_header_id\|>\s*(.*?)(?=<\|eot_id\|>|<\|start_header_id\|>|\Z)", re.DOTALL)
_CHATML = re.compile(r"<\|im_start\|>(\w+)\n?(.*?)(?=<\|im_end\|>|<\|im_start\|>|\Z)", re.DOTALL)
_LABELS = re.compile(
    r"^(User|Human|Bot|Assistant|Chatbot|System):[ ]?(.*?)(?=^(?:User|Human|Bot|Assistant|Chatbot|System):|\Z)",
    re.MULTILINE | re.DOTALL,
)
_INST = re.compile(r"\[INST\](.*?)\[/INST\](.*?)(?=(?:<s>)?\s*\[INST\]|\Z)", re.DOTALL)
_SYS = re.compile(r"<<SYS>>(.*?)<</SYS>>", re.DOTALL)


def _by_label(pattern: re.Pattern[str]) -> Callable[[str], Iterator[Turn]]:
    def read(prompt: str) -> Iterator[Turn]:
        for label, text in pattern.findall(prompt):
            yield Turn(_WORDS.get(label.lower(), "user"), text.strip())

    return read


def _read_inst(prompt: str) -> Iterator[Turn]:
    for asked, answered in _INST.findall(prompt):
        system = _SYS.search(asked)
        if system:
            yield Turn("system", system.group(1).strip())
        yield Turn("user", _SYS.sub("", asked).strip())
        yield Turn("assistant", answered.replace("</s>", "").strip())


_TEMPLATES = (
    _Template(re.compile(r"<\|start_header_id\|>"), _by_label(_LLAMA3)),
    _Template(re.compile(r"<\|im_start\|>"), _by_label(_CHATML)),
    _Template(re.compile(r"\[INST\]"), _read_inst),
    # A dialogue to be summarised has labels too; only a prompt that ends by giving the model the word is a conversation.
    _Template(re.compile(r"^(Bot|Assistant|Chatbot):\s*\Z", re.MULTILINE), _by_label(_LABELS)),
)

_OFFER = "Given the following functions"


def offered_tools(prompt: str) -> tuple[Tool, ...]:
    """The functions that a Llama 3.1 prompt offers as JSON objects after the words its template has for that."""
    start = prompt.rfind(_OFFER)
    if start < 0:
        return ()
    found = (value.get("function", value) for value in _objects(prompt[start:]))
    return tuple(
        Tool(value["name"], value.get("description", ""), value["parameters"])
        for value in found
        if isinstance(value.get("name"), str) and isinstance(value.get("parameters"), dict)
    )


def without_offer(turn: Turn) -> Turn:
    """The turn without the functions it offers: what stands after the last of them is the question."""
    start = turn.text.rfind(_OFFER)
    if start < 0:
        return turn
    _, brace, question = turn.text[start:].rpartition("}")
    return Turn(turn.role, question.strip()) if brace else turn


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON object in a text, outermost only, in order."""
    decoder = json.JSONDecoder()
    position = text.find("{")
    while position >= 0:
        try:
            value, end = decoder.raw_decode(text, position)
        except ValueError:
            end = position + 1
        else:
            yield value
        position = text.find("{", end)
