"""Imported models since 2025-11-11: OpenAI's chat and completion bodies. Knows nothing of other families.

AWS routes by the fields: ``messages`` is a chat, ``prompt`` with ``max_tokens`` a completion. What answers is read by
shape. ``stop`` goes to the model and is honoured here as well: models imported earlier ignore fields that they do not know.

A chat's own template is applied by AWS, and tools reach the template; but of all imports only gpt-oss's calls are made
into ``tool_calls`` again (custom-model-import-advanced-features). So calls are looked for in the text of both forms, and
thoughts, which nothing at AWS takes out of it either.

Source: Amazon Bedrock user guide, invoke-imported-model and custom-model-import-advanced-features, read 2026-11-22; the
completion's ``logprobs`` by OpenAI's API reference, to which they defer.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.calls import called, calling
from adapters.chat import ChatRequest, Image, Message, Part, ResponseFormat, Text, ToolCall, ToolChoice, ToolSpec
from adapters.deltas import Delta, Usage
from adapters.family import AtMost, Family, Range, Reader, Rule
from adapters.pieces import PieceReader
from adapters.prompts.templates import TEMPLATES
from adapters.shapes import WORDS, parse
from adapters.stopping import stopped, stopping
from adapters.templated import Bare, templated
from adapters.thinking import thinking, thought

_SAMPLING: Mapping[str, Rule] = {
    "max_tokens": Range(1, 131_072),  # a context under 128K is what the import takes
    "temperature": Range(0, 2),
    "top_p": Range(0, 1, above=True),
    "stop": None,
    "seed": None,
    "frequency_penalty": Range(-2, 2),
    "presence_penalty": Range(-2, 2),
}
_CHAT_SAMPLING: Mapping[str, Rule] = {**_SAMPLING, "logit_bias": None, "logprobs": None, "top_logprobs": Range(0, 20)}


def encode_chat(request: ChatRequest, stream: bool) -> bytes:
    """OpenAI's chat body, without ``model``: the path names it."""
    body: dict[str, Any] = {"messages": [_message(message) for message in request.messages]}
    _add_sampling(request, body, _CHAT_SAMPLING, stream=stream)
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if request.tool_choice is not None:
            body["tool_choice"] = _choice(request.tool_choice)
        if request.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = request.parallel_tool_calls
    if request.response_format is not None:
        body["response_format"] = _response_format(request.response_format)
    return msgspec.json.encode(body)


def encode_completion(request: ChatRequest, prompt: str, stream: bool) -> bytes:
    """OpenAI's completion body. ``logprobs`` is a number here: so many of the likeliest tokens."""
    body: dict[str, Any] = {"prompt": prompt}
    _add_sampling(request, body, _SAMPLING, stream=stream)
    if request.sampling.logprobs:
        body["logprobs"] = request.sampling.top_logprobs or 0
    if request.response_format is not None:
        body["response_format"] = _response_format(request.response_format)
    return msgspec.json.encode(body)


def decode_chat(body: bytes, request: ChatRequest, counts: Usage | None) -> list[Delta]:
    """A whole reply, of whatever shape."""
    deltas = thought(PieceReader(parse, WORDS).whole(parse(body), counts), request)
    return stopped(called(deltas, request), request.sampling.stop)


def read_chat(request: ChatRequest) -> Reader:
    """A reader of chunks, of whatever shape."""
    return stopping(calling(thinking(PieceReader(parse, WORDS), request), request), request.sampling.stop)


def _add_sampling(request: ChatRequest, body: dict[str, Any], names: Mapping[str, Rule], *, stream: bool) -> None:
    """The knobs keep OpenAI's names; ``stream`` is said only where it is so."""
    sampling = request.sampling
    for name in sampling.__struct_fields__:
        value = getattr(sampling, name)
        if value is not None and value != () and name in names:
            body[name] = value
    if stream:
        body["stream"] = True


def _message(message: Message) -> dict[str, Any]:
    native: dict[str, Any] = {"role": message.role, "content": _content(message.parts)}
    if message.tool_calls:
        native["tool_calls"] = [_call(call) for call in message.tool_calls]
        native["content"] = native["content"] or None
    if message.tool_call_id is not None:
        native["tool_call_id"] = message.tool_call_id
    if message.name is not None:
        native["name"] = message.name
    return native


def _content(parts: tuple[Part, ...]) -> str | list[dict[str, Any]]:
    """Plain text where there is only text: many chat templates read nothing else."""
    if any(isinstance(part, Image) for part in parts):
        return [_part(part) for part in parts if isinstance(part, Image | Text)]
    return "".join(part.text for part in parts if isinstance(part, Text))


def _part(part: Image | Text) -> dict[str, Any]:
    if isinstance(part, Image):
        return {"type": "image_url", "image_url": {"url": f"data:{part.media_type};base64,{part.data}"}}
    return {"type": "text", "text": part.text}


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "parameters": tool.parameters}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _choice(choice: ToolChoice) -> str | dict[str, Any]:
    if choice.mode == "named":
        return {"type": "function", "function": {"name": choice.name}}
    return choice.mode


def _response_format(wanted: ResponseFormat) -> dict[str, Any]:
    if wanted.kind != "json_schema":
        return {"type": wanted.kind}
    schema: dict[str, Any] = {"name": wanted.name or "answer", "schema": wanted.schema}  # the name is required there
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    return {"type": "json_schema", "json_schema": schema}


CHAT = Family(
    name="openai_chat",
    accepts={
        **_CHAT_SAMPLING,
        "tools": None,
        "tools.strict": None,
        "tool_choice": None,
        "parallel_tool_calls": None,
        "images": AtMost(3),
        "name": None,
        "response_format": None,
        "response_format.strict": None,
    },
    max_tokens=2048,
    encode=encode_chat,
    decode=decode_chat,
    reader=read_chat,
)
BARE = Bare(
    name="openai_completion",
    accepts={
        **_SAMPLING,
        "prompt": None,
        "logprobs": None,
        "top_logprobs": Range(0, 5),  # the most that OpenAI's completions tell
        "response_format": None,
        "response_format.strict": None,
    },
    max_tokens=2048,
    encode=encode_completion,
)
COMPLETION = templated(BARE, TEMPLATES["chatml"])
