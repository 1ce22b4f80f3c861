"""Mistral on Bedrock, in its two native forms. Knows nothing of other families.

A model takes one of them, so they are two families. ``mistral`` is the text form: one ``[INST]`` prompt in, one text out; 7B
Instruct, Mixtral 8x7B and imports of before 2025-11-11 read nothing else. ``mistral_chat`` is the chat form: messages,
tools, one call or several; Mistral Large 24.07 reads nothing else. Large and Small 24.02 take both. Replies are read by their shape.

Source: Amazon Bedrock user guide, model-parameters-mistral-text-completion, -chat-completion and -large-2407; which model
takes the chat form, its stop words and its ids as techthoughts2/pwshBedrock's integration tests meet them on the real
service; the chat form's chunks as published clients of Large 24.07 read them. All read 2026-11-27.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from adapters.arguments import object_schema
from adapters.chat import ChatRequest, Message, ToolCall, ToolSpec
from adapters.deltas import Delta, Usage
from adapters.errors import UnsupportedContent
from adapters.family import AtMost, Family, Range, Reader, Rule
from adapters.pieces import PieceReader
from adapters.prompts.turns import mistral, written
from adapters.serial import first_call, first_calling
from adapters.shapes import WORDS, parse
from adapters.stopping import stopped, stopping
from adapters.structured import hide, revealed, revealing

_CHOICES = {"auto": "auto", "none": "none", "required": "any", "named": "any"}
_OWN_ID = re.compile(r"[a-zA-Z0-9]{9}")
_SAMPLING: Mapping[str, Rule] = {
    "max_tokens": Range(1, 8192),  # Mixtral takes half of it, and says so itself
    "temperature": Range(0, 1),
    "top_p": Range(0, 1),
}


def encode_text(request: ChatRequest, _stream: bool) -> bytes:
    """The text form. ``stop`` goes to the model and is honoured here as well: an import may ignore it."""
    sampling = request.sampling
    body: dict[str, Any] = {"prompt": written(request, mistral)}
    _add_sampling(request, body)
    if sampling.top_k is not None:
        body["top_k"] = sampling.top_k
    if sampling.stop:
        body["stop"] = sampling.stop
    return msgspec.json.encode(body)


def encode_chat(request: ChatRequest, _stream: bool) -> bytes:
    """The chat form. It has no field for stop strings, so the reader honours them, and none for a wanted format: a hidden tool."""
    request = hide(request)
    body: dict[str, Any] = {"messages": _messages(request.messages)}
    _add_sampling(request, body)
    _add_tools(request, body)
    return msgspec.json.encode(body)


def decode(body: bytes, request: ChatRequest, counts: Usage | None) -> list[Delta]:
    """A whole reply, of either form, cut at the first stop string."""
    deltas = PieceReader(parse, WORDS).whole(parse(body), counts)
    return stopped(first_call(revealed(deltas, request), request), request.sampling.stop)


def reader(request: ChatRequest) -> Reader:
    """A reader of chunks, of either form; at a stop string it is ``cut``."""
    return stopping(first_calling(revealing(PieceReader(parse, WORDS), request), request), request.sampling.stop)


def _add_sampling(request: ChatRequest, body: dict[str, Any]) -> None:
    for name in _SAMPLING:
        value = getattr(request.sampling, name)
        if value is not None:
            body[name] = value


def _messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The turns, neighbours of one role made one. Mistral reads a system text at the beginning alone, so all of it goes there.

    Raises:
        UnsupportedContent: The assistant has spoken last. Mistral wants such a turn marked by ``prefix``, which AWS's page lacks.
    """
    turns: list[dict[str, Any]] = []
    if system := "\n\n".join(message.text for message in messages if message.role == "system"):
        turns.append({"role": "system", "content": system})
    for message in messages:
        if message.role == "system":
            continue
        turn = _turn(message)
        if turns and message.role != "tool" and turns[-1]["role"] == message.role:
            _join(turns[-1], turn)
        else:
            turns.append(turn)
    if turns and turns[-1]["role"] == "assistant":
        place = f"messages[{max(index for index, message in enumerate(messages) if message.role == 'assistant')}]"
        raise UnsupportedContent(
            f"{place} is the assistant's, and family \"mistral_chat\" carries on no turn: end with the user's or a tool's",
            parameter=place,
        )
    return turns


def _turn(message: Message) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.tool_calls:
        turn["tool_calls"] = [_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        turn["tool_call_id"] = _id(message.tool_call_id)
    return turn


def _join(earlier: dict[str, Any], later: dict[str, Any]) -> None:
    earlier["content"] = "\n\n".join(text for text in (earlier["content"], later["content"]) if text)
    if "tool_calls" in later:
        earlier["tool_calls"] = [*earlier.get("tool_calls", ()), *later["tool_calls"]]


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": _id(call.id), "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}


def _id(call_id: str) -> str:
    """An id that Mistral takes: nine letters or digits. Any other becomes nine of its digest, a call and its answer alike.

    Source: vercel/ai, packages/amazon-bedrock, "normalize tool call IDs for Mistral models", read 2026-11-27.
    """
    return call_id if _OWN_ID.fullmatch(call_id) else sha256(call_id.encode()).hexdigest()[:9]


def _add_tools(request: ChatRequest, body: dict[str, Any]) -> None:
    """``any`` cannot name a tool: where one is named it is the only one offered."""
    choice = request.tool_choice
    offered = [
        _tool(tool, f"tools[{index}].function")
        for index, tool in enumerate(request.tools)
        if choice is None or choice.mode != "named" or tool.name == choice.name
    ]
    if not offered:
        return
    body["tools"] = offered
    if choice is not None:
        body["tool_choice"] = _CHOICES[choice.mode]


def _tool(tool: ToolSpec, place: str) -> dict[str, Any]:
    parameters = object_schema(tool.parameters, f"{place}.parameters")
    function: dict[str, Any] = {"name": tool.name, "parameters": parameters}
    if tool.description is not None:
        function["description"] = tool.description
    return {"type": "function", "function": function}


TEXT = Family(
    name="mistral",
    accepts={**_SAMPLING, "top_k": Range(1, 200), "stop": AtMost(10), "prompt": None},
    max_tokens=1024,
    encode=encode_text,
    decode=decode,
    reader=reader,
)
CHAT = Family(
    name="mistral_chat",
    accepts={**_SAMPLING, "stop": None, "tools": None, "tool_choice": None, "parallel_tool_calls": None, "response_format": None},
    max_tokens=2048,
    encode=encode_chat,
    decode=decode,
    reader=reader,
    emulates=frozenset({"stop", "response_format", "parallel_tool_calls"}),
)
