"""Granite 3's prompt, with tools. Knows no native body.

``<|start_of_role|>role<|end_of_role|>…<|end_of_text|>`` per turn, ending in an open assistant's. The tools are a turn of
their own behind the system's, and so is each result.

Source: the chat templates of ibm-granite/granite-3.1 to 3.3 instruct, read 2026-11-23. What the template says of itself
where no system text is given (its maker, its dates) is left out, but for how to call a tool.
"""

from adapters.chat import ChatRequest, Message, ToolChoice
from adapters.prompts import tools
from adapters.prompts.turns import ANGLED, Turn, neutralise, opened, refuse_open_calls

_INSTRUCTION = (
    "You are a helpful assistant with access to the following tools. When a tool is required to answer the user's query, "
    "respond only with <|tool_call|> followed by a JSON list of tools used. If a tool does not exist in the provided list of "
    "tools, notify the user that you do not have the ability to fulfill the request."
)


def granite(request: ChatRequest) -> str:
    """The whole prompt."""
    refuse_open_calls(request.messages)
    said: list[Turn] = []
    for message in request.messages:
        _add(message, said)
    if offered := tools.offered(request):
        if said[0].role != "system":
            said.insert(0, Turn("system", _INSTRUCTION))
        listed = tools.dumped([tools.function(tool) for tool in offered], indent=4)
        said.insert(1, Turn("available_tools", neutralise(listed, ANGLED)))
    over, begins = opened(said)
    body = "".join(f"<|start_of_role|>{turn.role}<|end_of_role|>{turn.text}<|end_of_text|>\n" for turn in over)
    return f"{body}<|start_of_role|>assistant<|end_of_role|>{begins}"


def begun(choice: ToolChoice) -> str:
    """The beginning of a call that the model has to make."""
    return '<|tool_call|>[{"name": "' + (f'{choice.name}", "arguments":' if choice.name else "")


def _add(message: Message, said: list[Turn]) -> None:
    """The turn, joined to one before it of the same role; calls and results stand alone."""
    text = neutralise(message.text, ANGLED)
    if message.role == "tool":
        said.append(Turn("tool_response", text))
        return
    if message.parts or not message.tool_calls:
        if said and said[-1].role == message.role and not said[-1].alone:
            said[-1] = Turn(message.role, f"{said[-1].text}\n\n{text}")
        else:
            said.append(Turn(message.role, text))
    if message.tool_calls:
        made = [{"name": call.name, "arguments": tools.arguments(call)} for call in message.tool_calls]
        said.append(Turn(message.role, f"<|tool_call|>{neutralise(tools.dumped(made), ANGLED)}", alone=True))
