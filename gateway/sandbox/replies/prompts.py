"""Reads one prompt string back into turns, as a model does. Knows the published chat templates, never who sent them."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gateway.sandbox.conversation import Role, Turn

_WORDS: dict[str, Role] = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "ipython": "tool",
    "tool": "tool",
    "tool_response": "tool",
    "available_tools": "system",
}


class _Template(NamedTuple):
    """``sign`` says that a prompt is written so; ``read`` takes it apart."""

    sign: re.Pattern[str]
    read: Callable[[str], Iterator[Turn]]


def turns(prompt: str) -> tuple[Turn, ...]:
    """The conversation inside a prompt, oldest first; a prompt in no template that we know is one turn of the user's."""
    template = next((template for template in _TEMPLATES if template.sign.search(prompt)), None)
    found = template.read(prompt) if template else iter(())
    kept = tuple(turn for turn in map(_read_out, found) if turn.text)
    return kept or (Turn("user", prompt.strip()),)


def _read_out(turn: Turn) -> Turn:
    """The turn's words; where an image stands is none of them."""
    return Turn(turn.role, turn.text.replace(_IMAGE, "").strip()) if _IMAGE in turn.text else turn


_IMAGE = "<|image|>"
_LLAMA3 = re.compile(r"<\|start_header_id\|>(\w+)<\|end_header_id\|>\s*(.*?)(?=<\|eot_id\|>|<\|start_header_id\|>|\Z)", re.DOTALL)
_CHATML = re.compile(r"<\|im_start\|>(\w+)\n?(.*?)(?=<\|im_end\|>|<\|im_start\|>|\Z)", re.DOTALL)
_GRANITE = re.compile(r"<\|start_of_role\|>(\w+)<\|end_of_role\|>(.*?)(?=<\|end_of_text\|>|<\|start_of_role\|>|\Z)", re.DOTALL)
_RESULT = re.compile(r"<tool_response>\n(.*?)\n</tool_response>", re.DOTALL)
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


def _read_chatml(prompt: str) -> Iterator[Turn]:
    """A tool's results are a turn of the user's, between tags."""
    for turn in _by_label(_CHATML)(prompt):
        results = _RESULT.findall(turn.text) if turn.role == "user" else []
        yield from [Turn("tool", result) for result in results] or [turn]


def _read_inst(prompt: str) -> Iterator[Turn]:
    for asked, answered in _INST.findall(prompt):
        system = _SYS.search(asked)
        if system:
            yield Turn("system", system.group(1).strip())
        yield Turn("user", _SYS.sub("", asked).strip())
        yield Turn("assistant", answered.replace("</s>", "").strip())


_TEMPLATES = (
    _Template(re.compile(r"<\|start_header_id\|>"), _by_label(_LLAMA3)),
    _Template(re.compile(r"<\|im_start\|>"), _read_chatml),
    _Template(re.compile(r"<\|start_of_role\|>"), _by_label(_GRANITE)),
    _Template(re.compile(r"\[INST\]"), _read_inst),
    # A dialogue to be summarised has labels too; only a prompt that ends by giving the model the word is a conversation.
    _Template(re.compile(r"^(Bot|Assistant|Chatbot):\s*\Z", re.MULTILINE), _by_label(_LABELS)),
)
