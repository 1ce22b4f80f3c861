"""Tools that a prompt offers, and how its model was taught to call them. Knows published chat templates, never who sent them.

Source: meta-llama/llama-models, text_prompt_format of Llama 3.1 and 3.2; the chat templates of Qwen 2.5 and Granite 3; read 2026-11-27.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from msgspec.structs import replace

from gateway.sandbox.conversation import Ask, Call, Tool, Turn

_LLAMAS = "Given the following functions"
_PYTHON = "please respond with a python list"
_QWENS = re.compile(r"<tools>\n(.*?)\n</tools>", re.DOTALL)
_GRANITES = re.compile(r"<\|start_of_role\|>available_tools<\|end_of_role\|>(.*?)<\|end_of_text\|>", re.DOTALL)

# How each template opens the turn that is the model's, and the mark that ends a turn.
_OPENINGS = {
    "<|start_header_id|>assistant<|end_header_id|>\n\n": "<|eot_id|>",
    "<|im_start|>assistant\n": "<|im_end|>",
    "<|start_of_role|>assistant<|end_of_role|>": "<|end_of_text|>",
}
_NAMED = re.compile(r'"name": "([\w-]+)"|^\[([\w-]+)\(')


class Offer(NamedTuple):
    """What a prompt offers.

    Attributes:
        form: A key of ``WRITERS``.
        begun: The beginning of a call that the prompt ends with: the model goes on with it.
    """

    tools: tuple[Tool, ...] = ()
    form: str = ""
    begun: str = ""

    @property
    def choice(self) -> str:
        """The tool choice that a call begun stands for."""
        found = _NAMED.search(self.begun)
        return (found[1] or found[2]) if found else "any" if self.begun else "auto"


def offer(prompt: str) -> Offer:
    """The functions in a prompt, in the words that each template has for that; none where it offers none."""
    for form, text in _offers(prompt):
        found = [value.get("function", value) for value in _objects(text)]
        tools = tuple(
            Tool(value["name"], value.get("description") or "", value["parameters"])
            for value in found
            if isinstance(value.get("name"), str) and isinstance(value.get("parameters"), dict)
        )
        if tools:
            return Offer(tools, form, _begun(prompt))
    return Offer()


def offered(ask: Ask) -> Ask:
    """The request with the tools that its prompt offers, and with the question that stands behind them."""
    found = offer(ask.prompt)
    if not found.tools:
        return ask
    return replace(
        ask,
        turns=tuple(_without(turn) for turn in ask.turns),
        tools=found.tools,
        tool_choice=found.choice,
        calls_as=found.form,
        begun=found.begun,
    )


def _offers(prompt: str) -> Iterator[tuple[str, str]]:
    start = prompt.rfind(_LLAMAS)
    if start >= 0:
        yield ("python" if prompt.startswith(_PYTHON, start + len(_LLAMAS) + 2) else "json"), prompt[start:]
    for form, pattern in (("hermes", _QWENS), ("granite", _GRANITES)):
        found = pattern.search(prompt)
        if found:
            yield form, found[1]


def _begun(prompt: str) -> str:
    for opening, end in _OPENINGS.items():
        _, found, tail = prompt.rpartition(opening)
        if found and end not in tail:
            return tail
    return ""


def _without(turn: Turn) -> Turn:
    """The turn without the functions it offers: what stands after the last of them is the question."""
    start = turn.text.rfind(_LLAMAS)
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


def written(call: Call, form: str) -> str:
    """A call as the model writes it; for no form the arguments alone, since the rest stands in fields of its own."""
    return WRITERS[form](call)


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _python(call: Call) -> str:
    return f"[{call.name}({', '.join(f'{name}={value!r}' for name, value in call.arguments.items())})]"


def _marked(call: Call) -> str:
    return _dumped({"name": call.name, "arguments": call.arguments})


WRITERS: dict[str, Callable[[Call], str]] = {
    "": lambda call: _dumped(call.arguments),
    "json": lambda call: _dumped({"name": call.name, "parameters": call.arguments}),
    "python": _python,
    "hermes": lambda call: f"<tool_call>\n{_marked(call)}\n</tool_call>",
    "granite": lambda call: f"<|tool_call|>[{_marked(call)}]",
}
