"""Amazon Nova (Micro, Lite, Pro, 2 Lite), ``messages-v1``: content blocks, asked by InvokeModel. Knows nothing of other families.

Source: Amazon Nova user guides for versions 1 and 2, complete request schema; wire form as recorded by openllmetry; read
2026-11-22. They give ``maxTokens`` 5,000, the models take 10,000 and 2 Lite 65,535 (anomalyco/models.dev#6793, 2026-09): the
widest holds here, and each model says itself where it is narrower.
"""

import msgspec
from msgspec.structs import replace

from adapters import blocks
from adapters.chat import ChatRequest
from adapters.deltas import Delta, Usage
from adapters.families.nova.schemas import narrowed
from adapters.family import AtMost, CachePoints, Family, OneOf, Range, Reader
from adapters.serial import first_call, first_calling
from adapters.structured import hide, revealed, revealing

SCHEMA_VERSION = "messages-v1"


def encode(request: ChatRequest, _stream: bool) -> bytes:
    """The native body; the operation's path, not the body, says whether it streams.

    Raises:
        UnsupportedContent: A turn that content blocks cannot hold, named by its place.
        InvalidParameter: A schema that Nova cannot take.
    """
    request = hide(_narrowed(request))
    sampling = request.sampling
    body = blocks.body(request, stops=sampling.stop)
    if sampling.top_k is not None:
        body["inferenceConfig"]["topK"] = sampling.top_k
    # Version 1 refuses the field, and version 2 thinks only when told to.
    if sampling.reasoning_effort not in {None, "none"}:
        body["inferenceConfig"]["reasoningConfig"] = {"type": "enabled", "maxReasoningEffort": sampling.reasoning_effort}
    return msgspec.json.encode({"schemaVersion": SCHEMA_VERSION, **body})


def _narrowed(request: ChatRequest) -> ChatRequest:
    """The request with every schema as Nova takes it."""
    wanted = request.response_format
    if wanted is not None and wanted.schema is not None:
        schema = narrowed(wanted.schema, "response_format.json_schema.schema")
        request = replace(request, response_format=replace(wanted, schema=schema))
    if not request.tools:
        return request
    return replace(
        request,
        tools=tuple(
            replace(tool, parameters=narrowed(tool.parameters, f"tools[{index}].function.parameters"))
            for index, tool in enumerate(request.tools)
        ),
    )


def decode(body: bytes, request: ChatRequest, counts: Usage | None) -> list[Delta]:
    """A whole reply; see ``blocks.decode``."""
    return first_call(revealed(blocks.decode(body, counts), request), request)


def reader(request: ChatRequest) -> Reader:
    """A reader of chunks."""
    return first_calling(revealing(blocks.reader(), request), request)


FAMILY = Family(
    name="nova",
    accepts={
        "max_tokens": Range(1, 65_535),
        "temperature": Range(0, 1),
        "top_p": Range(0, 1),
        "top_k": Range(0, 128),
        "stop": AtMost(4),
        # With "high" Nova wants no limit of tokens ("maxTokens must be unset", UKGovernmentBEIS/inspect_ai#3767, 2026-04),
        # and the gateway always sends one. What was thought comes back as "[REDACTED]": there is nothing to send again.
        "reasoning_effort": OneOf(("none", "low", "medium")),
        "tools": None,
        "tool_choice": None,
        "parallel_tool_calls": None,
        "response_format": None,
        "images": None,
        # Always for five minutes, and never behind tools: these are cached with the first point among the messages.
        "cache": CachePoints(tools=False, ttl=False),
    },
    max_tokens=4096,
    encode=encode,
    decode=decode,
    reader=reader,
    emulates=frozenset({"response_format", "parallel_tool_calls"}),
)
