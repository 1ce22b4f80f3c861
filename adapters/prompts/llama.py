r"""Llama 3's prompt, with the tools of 3.1 and later and the images of 3.2. Knows no native body.

A header, two newlines, the stripped text and ``<|eot_id|>`` per turn, ending in an open assistant header. Tools stand in
front of the first user's text; a call is a turn of its own, its result one of ``ipython``'s.

Where this differs from Meta's template, on purpose:

- No "Cutting Knowledge Date" and no "Today Date", which Meta's writes as 26 Jul 2024 unless it is told: no date is better
  than a false one, and whoever wants one writes it into a system message.
- Several calls of one turn: Meta's refuses them, since the model makes one at a time. Here each is followed by its result,
  as if they had been made one after another.
- A system message beside an image: Meta's refuses it. Here it stands at the head of the first user's turn.

Source: meta-llama/llama-models, text_prompt_format of Llama 3.1, 3.2 and 3.3; the chat templates of Llama 3.1 8B, 3.2 3B
and 3.2 11B Vision; vllm-project/vllm, examples/tool_chat_template_llama3.2_pythonic.jinja; all read 2026-11-23.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from adapters.chat import ChatRequest, Image, Message, Text, ToolCall, ToolChoice
from adapters.prompts import tools
from adapters.prompts.turns import ANGLED, Turn, neutralise, opened, refuse_open_calls
from adapters.prompts.turns import llama3 as plain

IMAGE = "<|image|>"

_JSON_OFFER = (
    "Given the following functions, please respond with a JSON for a function call with its proper arguments that best answers "
    'the given prompt.\n\nRespond in the format {"name": function name, "parameters": dictionary of argument name and its value}.'
    "Do not use variables.\n\n"
)
_PYTHON_OFFER = (
    "Given the following functions, please respond with a python list for function calls with their proper arguments to best "
    "answer the given prompt.\n\nRespond in the format [func_name1(params_name1=params_value1, params_name2=params_value2...), "
    "func_name2(params)] Do not use variables.\n\n"
)


class _Form(NamedTuple):
    """How tools are offered, and how calls are written down."""

    offer: str
    calls: Callable[[Sequence[ToolCall]], str]
    together: bool  # several calls share a turn


def llama3(request: ChatRequest) -> str:
    """With calls as JSON: 3.1, 3.2 and 3.3."""
    return _written(request, _JSON)


def llama3_pythonic(request: ChatRequest) -> str:
    """With calls as Python writes them, which the small models of 3.2, and 3.3, take better to."""
    return _written(request, _PYTHONIC)


def begun_json(choice: ToolChoice) -> str:
    """The beginning of a call that the model has to make."""
    return f'{{"name": "{choice.name}", "parameters":' if choice.name else '{"name": "'


def begun_pythonic(choice: ToolChoice) -> str:
    """The same in Python."""
    return f"[{choice.name}(" if choice.name else "["


def _written(request: ChatRequest, form: _Form) -> str:
    if not request.tools and not any(map(_is_special, request.messages)):
        return plain(request.messages)  # nearly every request, for half the work
    refuse_open_calls(request.messages)
    said = list(_joined(_turns(request.messages, form)))
    if any(IMAGE in turn.text for turn in said):
        said = _without_system(said)
    if offered := tools.offered(request):
        definitions = "".join(f"{tools.dumped(tools.wrapped(tool), indent=4)}\n\n" for tool in offered)
        said = _offering(said, form.offer + neutralise(definitions, ANGLED))
    over, begins = opened(said)
    body = "".join(f"<|start_header_id|>{turn.role}<|end_header_id|>\n\n{turn.text.strip()}<|eot_id|>" for turn in over)
    return f"<|begin_of_text|>{body}<|start_header_id|>assistant<|end_header_id|>\n\n{begins.lstrip()}"


def _is_special(message: Message) -> bool:
    for part in message.parts:
        if type(part) is Image:
            return True
    return bool(message.tool_calls) or message.role == "tool"


def _turns(messages: Sequence[Message], form: _Form) -> Iterator[Turn]:
    answered: set[int] = set()
    for index, message in enumerate(messages):
        if message.role == "tool":
            if id(message) not in answered:
                yield _result(message)
            continue
        if message.parts or not message.tool_calls:
            yield Turn(message.role, _content(message))
        if not message.tool_calls:
            continue
        if form.together:
            yield Turn("assistant", neutralise(form.calls(message.tool_calls), ANGLED), alone=True)
            continue
        for call in message.tool_calls:
            yield Turn("assistant", neutralise(form.calls([call]), ANGLED), alone=True)
            result = tools.answer_to(call, messages[index + 1 :])
            if result is not None:
                answered.add(id(result))
                yield _result(result)


def _content(message: Message) -> str:
    """Text, and a mark for each image where it stands. Joined before it is guarded: no token hides in a seam."""
    runs: list[str] = [""]
    for part in message.parts:
        match part:
            case Text():
                runs[-1] += part.text
            case Image():
                runs.append("")
    if len(runs) == 1:
        return neutralise(runs[0], ANGLED)
    return IMAGE.join(neutralise(run, ANGLED).strip() for run in runs)


def _result(message: Message) -> Turn:
    """A tool's result, as a JSON text: the form in which the model has seen them."""
    return Turn("ipython", neutralise(tools.dumped(message.text), ANGLED), alone=True)


def _joined(turns: Iterator[Turn]) -> Iterator[Turn]:
    last: Turn | None = None
    for turn in turns:
        if last is not None and last.role == turn.role and not (last.alone or turn.alone):
            last = Turn(last.role, f"{last.text}\n\n{turn.text}")
            continue
        if last is not None:
            yield last
        last = turn
    if last is not None:
        yield last


def _without_system(said: list[Turn]) -> list[Turn]:
    system = "\n\n".join(turn.text.strip() for turn in said if turn.role == "system")
    rest = [turn for turn in said if turn.role != "system"]
    return _heading(rest, "user", f"{system}\n\n") if system else rest


def _offering(said: list[Turn], offer: str) -> list[Turn]:
    """The offer in front of the first user's text; the environment says that calls, and their results, are to be expected."""
    said = _heading(said, "user", offer)
    if any(IMAGE in turn.text for turn in said):
        return said
    if said[0].role != "system":
        return [Turn("system", "Environment: ipython\n\n"), *said]
    return _heading(said, "system", "Environment: ipython\n\n")


def _heading(said: list[Turn], role: str, head: str) -> list[Turn]:
    """The turns with a head on the first of that role; where there is none the head is a turn, behind the system's."""
    place = next((place for place, turn in enumerate(said) if turn.role == role), None)
    if place is None:
        place = next((place for place, turn in enumerate(said) if turn.role != "system"), len(said))
        return [*said[:place], Turn(role, head.strip()), *said[place:]]
    return [*said[:place], Turn(role, head + said[place].text.strip()), *said[place + 1 :]]


def _as_json(calls: Sequence[ToolCall]) -> str:
    return "; ".join(
        f'{{"name": {tools.dumped(call.name)}, "parameters": {tools.dumped(tools.arguments(call))}}}' for call in calls
    )


def _as_python(calls: Sequence[ToolCall]) -> str:
    return f"[{', '.join(_call(call) for call in calls)}]"


def _call(call: ToolCall) -> str:
    said = tools.arguments(call)
    members = said.items() if isinstance(said, dict) else ()
    return f"{call.name}({', '.join(f'{name}={_literal(value)}' for name, value in members)})"


def _literal(value: object) -> str:
    match value:
        case dict():
            return f"{{{', '.join(f'{tools.dumped(name)}: {_literal(member)}' for name, member in value.items())}}}"
        case list():
            return f"[{', '.join(_literal(entry) for entry in value)}]"
        case str():
            return tools.dumped(value)
        case _:
            return repr(value)


_JSON = _Form(_JSON_OFFER, _as_json, together=False)
_PYTHONIC = _Form(_PYTHON_OFFER, _as_python, together=True)
