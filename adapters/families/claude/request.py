"""A chat request as Claude's native body. Knows nothing of replies."""

from typing import Any

import msgspec

from adapters import structured
from adapters.chat import ChatRequest
from adapters.families.claude.formats import native_format
from adapters.families.claude.generations import Generation
from adapters.families.claude.stops import native_stops
from adapters.families.claude.thinking import budget
from adapters.families.claude.tools import add_tools
from adapters.families.claude.turns import system_blocks, turns

VERSION = "bedrock-2023-05-31"


def encode(generation: Generation, request: ChatRequest, _stream: bool) -> bytes:
    """The native body; the operation's path, not the body, says whether it streams.

    Raises:
        UnsupportedContent: A turn that Claude's form cannot hold, named by its place.
        InvalidParameter: Thinking together with what Claude cannot do meanwhile, or a format that is no object.
    """
    thinking = budget(request)
    enforced = native_format(request, generation)
    if enforced is None and request.response_format is not None:
        request = structured.hide(request, can_force=thinking is None)
    sampling = request.sampling
    system = system_blocks(request.messages)
    body: dict[str, Any] = {
        "anthropic_version": VERSION,
        "max_tokens": sampling.max_tokens,
        "messages": turns(request.messages, before=system[-1] if system else None, thinks=thinking is not None),
    }
    if system:
        body["system"] = system if len(system) > 1 or "cache_control" in system[0] else system[0]["text"]
    if thinking is not None:
        body["thinking"] = {"type": "enabled", "budget_tokens": thinking}
    if sampling.temperature is not None:
        body["temperature"] = sampling.temperature
    if sampling.top_p is not None:
        body["top_p"] = sampling.top_p
    if sampling.top_k is not None:
        body["top_k"] = sampling.top_k
    if stops := native_stops(request):
        body["stop_sequences"] = stops
    add_tools(request, body, has_strict=generation.has_format)
    if enforced is not None:
        body["output_config"] = {"format": {"type": "json_schema", "schema": enforced.schema}}
    return msgspec.json.encode(body)
