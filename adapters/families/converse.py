"""Any chat model behind Bedrock's Converse: content blocks, the model's own template put on by AWS. Knows no other families.

For models whose own body this gateway does not write, and for those to whom AWS puts the prompt together better than we do.
Which model answers is not known here, so only what Converse itself has is honoured: ``top_k`` or a budget for thinking would
need the model's own fields. Source: botocore's service model of bedrock-runtime (2023-09-30), read 2026-11-22.
"""

import msgspec

from adapters import blocks
from adapters.chat import ChatRequest
from adapters.deltas import Delta, Usage
from adapters.family import AtMost, Family, Range, Reader, Sealed
from adapters.serial import first_call, first_calling
from adapters.stopping import stopped, stopping
from adapters.structured import hide, revealed, revealing

# Tells which stop sequence was met, where the model has the field; "if the requested field is not in the model response, it
# is ignored by Converse".
_STOP_SEQUENCE = "/stop_sequence"


def encode(request: ChatRequest, _stream: bool) -> bytes:
    """Converse's body; the operation's path, not the body, says whether it streams.

    Raises:
        UnsupportedContent: A turn that content blocks cannot hold, named by its place.
    """
    request = hide(request)
    stops = [stop for stop in request.sampling.stop if not stop.isspace()]
    body = blocks.body(request, stops=stops)
    if stops:
        body["additionalModelResponseFieldPaths"] = [_STOP_SEQUENCE]
    return msgspec.json.encode(body)


def decode(body: bytes, request: ChatRequest, counts: Usage | None) -> list[Delta]:
    """A whole reply; see ``blocks.decode``."""
    told = first_call(revealed(blocks.decode(body, counts), request), request)
    return stopped(told, _blank_stops(request))


def reader(request: ChatRequest) -> Reader:
    """A reader of events; it cuts only at stop strings of white space."""
    return stopping(first_calling(revealing(blocks.reader(), request), request), _blank_stops(request))


def _blank_stops(request: ChatRequest) -> list[str]:
    """Stop strings that are all white space: Claude behind Converse refuses them, so they are honoured here for every model."""
    return [stop for stop in request.sampling.stop if stop.isspace()]


FAMILY = Family(
    name="converse",
    accepts={
        "max_tokens": Range(1, 200_000),  # each model has its own bound, and says so itself
        "temperature": Range(0, 1),
        "top_p": Range(0, 1),
        "stop": AtMost(2500),
        "tools": None,
        "tool_choice": None,
        "parallel_tool_calls": None,
        "response_format": None,
        "images": None,
        "documents": None,
        "reasoning": Sealed(always=True),
        "cache": None,
    },
    max_tokens=2048,  # the least that any customizable chat model takes: Llama's
    encode=encode,
    decode=decode,
    reader=reader,
    operation="converse",
    emulates=frozenset({"response_format", "parallel_tool_calls"}),
)
