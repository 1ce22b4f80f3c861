r"""ChatML, with tools as Hermes and Qwen write them. Knows no native body.

``<|im_start|>role\n…<|im_end|>`` per turn, ending in an open assistant turn. Tools are listed at the end of the system
text; calls follow the assistant's words in its own turn; results are a user's.

Source: the chat templates of Qwen 2.5 and Qwen 3, and the format of NousResearch's Hermes 2 Pro; read 2026-11-23. Qwen 2.5's
own name for itself, which its template writes where no system text is given, is left to Qwen.
"""

from collections.abc import Iterable, Sequence

from adapters.chat import ChatRequest, Message, ToolChoice
from adapters.prompts import tools
from adapters.prompts.turns import CHATML, Turn, neutralise, opened, refuse_open_calls
from adapters.prompts.turns import chatml as plain

_OFFER = (
    "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n{}\n</tools>\n\n"
    "For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:\n"
    '<tool_call>\n{{"name": <function-name>, "arguments": <args-json-object>}}\n</tool_call>'
)


def chatml(request: ChatRequest) -> str:
    """The whole prompt."""
    offered = tools.offered(request)
    if not offered and not any(message.role == "tool" or message.tool_calls for message in request.messages):
        return plain(request.messages)
    refuse_open_calls(request.messages)
    said = list(_joined(_turn(message) for message in request.messages))
    if offered:
        listed = "\n".join(tools.dumped(tools.wrapped(tool)) for tool in offered)
        said = _offering(said, _OFFER.format(neutralise(listed, CHATML)))
    over, begins = opened(said)
    body = "".join(f"<|im_start|>{turn.role}\n{turn.text}<|im_end|>\n" for turn in over)
    return f"{body}<|im_start|>assistant\n{begins}"


def begun(choice: ToolChoice) -> str:
    """The beginning of a call that the model has to make."""
    return '<tool_call>\n{"name": "' + (f'{choice.name}", "arguments":' if choice.name else "")


def _turn(message: Message) -> tuple[Turn, str]:
    """A turn, and what stands between it and one before it of the same role."""
    text = neutralise(message.text, CHATML)
    if message.role == "tool":
        return Turn("user", f"<tool_response>\n{text}\n</tool_response>"), "\n"
    calls = [
        f'<tool_call>\n{{"name": {tools.dumped(call.name)}, "arguments": '
        f"{neutralise(tools.dumped(tools.arguments(call)), CHATML)}}}\n</tool_call>"
        for call in message.tool_calls
    ]
    return Turn(message.role, "\n".join([*([text] if text or not calls else []), *calls])), "\n" if calls else "\n\n"


def _joined(turns: Iterable[tuple[Turn, str]]) -> Iterable[Turn]:
    last: Turn | None = None
    for turn, between in turns:
        if last is not None and last.role == turn.role:
            last = Turn(turn.role, f"{last.text}{between}{turn.text}")
            continue
        if last is not None:
            yield last
        last = turn
    if last is not None:
        yield last


def _offering(said: Sequence[Turn], offer: str) -> list[Turn]:
    if said[0].role == "system":
        return [Turn("system", f"{said[0].text}\n\n{offer}"), *said[1:]]
    return [Turn("system", offer), *said]
