"""A chat request as Command R's native body. Knows nothing of replies.

Command R wants the last turn apart from the others: ``message`` when it is the user's, ``tool_results`` when tools have answered.
Source: Amazon Bedrock user guide, model-parameters-cohere-command-r-plus, which knows USER and CHATBOT in the history.
That a CHATBOT's turn holds ``tool_calls``, and goes back so with ``tool_results`` and no message: techthoughts2/pwshBedrock,
against the real service. TOOL turns further back and the empty message: Cohere's own v1 API, from which Bedrock's form is
taken; not recorded on Bedrock. Read 2026-11-27.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from adapters import arguments
from adapters.chat import ChatRequest, Document, Message, ToolCall, ToolSpec
from adapters.errors import InvalidParameter, UnsupportedContent
from adapters.families.cohere_chat.definitions import definitions

_NAMES = {
    "max_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "p",
    "top_k": "k",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "seed": "seed",
}
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}


def encode(request: ChatRequest, _stream: bool) -> bytes:
    """The native body; the operation's path, not the body, says whether it streams.

    Raises:
        UnsupportedContent: A turn or a document that the body cannot hold, named by its place.
        InvalidParameter: A tool that it cannot hold, likewise.
    """
    body = _conversation(request) if request.prompt is None else {"message": request.prompt, "raw_prompting": True}
    for name, native in _NAMES.items():
        value = getattr(request.sampling, name)
        if value is not None:
            body[native] = value
    if request.sampling.stop:
        body["stop_sequences"] = request.sampling.stop
    return msgspec.json.encode(body)


def _conversation(request: ChatRequest) -> dict[str, Any]:
    history = _history(request.messages)
    last = history.pop() if history else None
    if last is None or last["role"] == "CHATBOT":
        raise UnsupportedContent(
            "messages must end with the user's or a tool's: family \"cohere_chat\" continues no answer", parameter="messages"
        )
    body: dict[str, Any] = {"message": last.get("message", "")}
    # The preamble is the one system text; a later system message keeps its order among its like, not its place.
    if system := "\n\n".join(message.text for message in request.messages if message.role == "system"):
        body["preamble"] = system
    if history:
        body["chat_history"] = history
    if documents := _documents(request.messages):
        body["documents"] = documents
    if results := last.get("tool_results"):
        body["tool_results"] = results
    if tools := _tools(request, answered=bool(results)):
        body["tools"] = tools
    return body


def _history(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Every turn but the system's, neighbours of one role made one."""
    calls: dict[str, dict[str, Any]] = {}
    turns: list[dict[str, Any]] = []
    for index, message in enumerate(messages):
        if message.role == "system":
            continue
        turn = _turn(message, f"messages[{index}]", calls)
        if turns and turns[-1]["role"] == turn["role"]:
            _join(turns[-1], turn)
        else:
            turns.append(turn)
    return turns


def _turn(message: Message, place: str, calls: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """One turn. ``calls`` remembers by their id what was called: a result repeats its call instead of naming it."""
    if message.role == "tool":
        call = calls.get(message.tool_call_id or "")
        if call is None:
            raise UnsupportedContent(f"{place} answers no call of an earlier turn", parameter=f"{place}.tool_call_id")
        return {"role": "TOOL", "tool_results": [{"call": call, "outputs": _outputs(message.text)}]}
    if message.role == "user":
        return {"role": "USER", "message": message.text}
    turn: dict[str, Any] = {"role": "CHATBOT", "message": message.text}
    for position, call_made in enumerate(message.tool_calls):
        native = _call(call_made, f"{place}.tool_calls[{position}].function.arguments")
        calls[call_made.id] = native
        turn.setdefault("tool_calls", []).append(native)
    return turn


def _join(earlier: dict[str, Any], later: dict[str, Any]) -> None:
    if "message" in later:
        earlier["message"] = "\n\n".join(text for text in (earlier["message"], later["message"]) if text)
    for name in ("tool_calls", "tool_results"):
        if name in later:
            earlier[name] = [*earlier.get(name, ()), *later[name]]


def _call(call: ToolCall, place: str) -> dict[str, Any]:
    return {"name": call.name, "parameters": arguments.as_object(call.arguments, place)}


def _outputs(text: str) -> list[Any]:
    """A tool's answer as the list of objects that Command R cites from: its own, or one that holds the text."""
    for kind in (list[dict[str, msgspec.Raw]], dict[str, msgspec.Raw]):
        try:
            outputs = msgspec.json.decode(text, type=kind)
        except (ValueError, RecursionError):
            continue
        if outputs:
            return outputs if isinstance(outputs, list) else [outputs]
    return [{"text": text}]


def _documents(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [
        _document(part, f"messages[{index}].content[{position}]")
        for index, message in enumerate(messages)
        for position, part in enumerate(message.parts)
        if isinstance(part, Document)
    ]


def _document(document: Document, place: str) -> dict[str, str]:
    if document.media_type != "text/plain":
        raise UnsupportedContent(
            f'{place} is {document.media_type}, and family "cohere_chat" reads documents of text/plain alone', parameter=place
        )
    titled = {} if document.title is None else {"title": document.title}
    return {**titled, "snippet": document.data}


def _tools(request: ChatRequest, *, answered: bool) -> list[dict[str, Any]]:
    """The tools on offer. Command R has no choice among them: ``none`` is said by offering none.

    Args:
        answered: The last turn holds results, and these are read beside the tools alone.
    """
    none = request.tool_choice is not None and request.tool_choice.mode == "none"
    if answered and (none or not request.tools):
        raise InvalidParameter(
            f"{'tool_choice forbids' if none else 'tools does not offer'} what the last message answers: "
            'family "cohere_chat" reads a tool\'s answer only while the tools may be called',
            parameter="tool_choice" if none else "tools",
        )
    if none:
        return []
    return [_tool(tool, f"tools[{index}].function") for index, tool in enumerate(request.tools)]


def _tool(tool: ToolSpec, place: str) -> dict[str, Any]:
    if not _NAME.fullmatch(tool.name):
        raise InvalidParameter(
            f'{place}.name "{tool.name}" is none that family "cohere_chat" takes: letters, digits and _ only, no digit first',
            parameter=f"{place}.name",
        )
    return {
        "name": tool.name,
        "description": tool.description or tool.name,
        "parameter_definitions": definitions(tool.parameters or _NO_PARAMETERS, f"{place}.parameters"),
    }
