"""Amazon Titan Text (Lite, Express, Premier): one prompt in, one text out. Knows nothing of other families.

Source: Amazon Bedrock user guide, model-parameters-titan-text; wire form as recorded by openllmetry, read 2026-11-22.
"""

import re
from typing import Any

import msgspec
from msgspec import Struct

from adapters.chat import ChatRequest
from adapters.deltas import Delta, Usage
from adapters.errors import MalformedReply
from adapters.family import Family, Range, Reader
from adapters.pieces import Envelope, Piece, PieceReader, Words
from adapters.prompts.turns import titan, written
from adapters.stopping import stopped, stopping

WORDS: Words = {
    "FINISH": "stop",  # on the wire
    "FINISHED": "stop",  # in the documentation
    "STOP_CRITERIA_MET": "stop",
    "RAG_QUERY_WHEN_RAG_DISABLED": "stop",
    "LENGTH": "length",
    "CONTENT_FILTERED": "content_filter",
}

# Lite and Express refuse every other stop sequence: "string [...] does not match pattern ^(\|+|User:)$" (seen in public
# reports of ValidationException, read 2026-11-22). So those go to the model, and all of them are honoured here as well.
_NATIVE_STOP = re.compile(r"\|+|User:")


class Chunk(Envelope, frozen=True, rename="camel"):
    output_text: str | None = None
    completion_reason: str | None = None
    input_text_token_count: float | None = None
    total_output_text_token_count: float | None = None


class Result(Struct, frozen=True, rename="camel"):
    output_text: str | None = None
    completion_reason: str | None = None
    token_count: float | None = None


class Body(Envelope, frozen=True, rename="camel"):
    results: tuple[Result, ...] = ()
    input_text_token_count: float | None = None


_decode_chunk = msgspec.json.Decoder(Chunk).decode
_decode_body = msgspec.json.Decoder(Body).decode


def encode(request: ChatRequest, _stream: bool) -> bytes:
    """The native body. ``User:`` is not made a stop sequence of its own: it would silently cut answers that hold it.

    An alias that wants it says so: ``defaults: {stop: ["User:"]}``.
    """
    sampling = request.sampling
    config: dict[str, Any] = {"maxTokenCount": sampling.max_tokens}
    if sampling.temperature is not None:
        config["temperature"] = sampling.temperature
    if sampling.top_p is not None:
        config["topP"] = sampling.top_p
    if native := [stop for stop in sampling.stop if _NATIVE_STOP.fullmatch(stop)]:
        config["stopSequences"] = native
    return msgspec.json.encode({"inputText": written(request, titan), "textGenerationConfig": config})


def decode(body: bytes, request: ChatRequest, counts: Usage | None) -> list[Delta]:
    """A whole reply; only the first result is read, since only one is asked for."""
    return stopped(PieceReader(_parse_chunk, WORDS).whole(_parse_body(body), counts), request.sampling.stop)


def reader(request: ChatRequest) -> Reader:
    """A reader of chunks; a short answer may come in a single one."""
    return stopping(PieceReader(_parse_chunk, WORDS), request.sampling.stop)


def _parse_chunk(native: bytes) -> Piece:
    try:
        chunk = _decode_chunk(native)
    except (ValueError, RecursionError) as error:
        raise MalformedReply("the chunk is not one of Titan's") from error
    return Piece(
        text=chunk.output_text,
        reason=chunk.completion_reason,
        input_tokens=chunk.input_text_token_count,
        output_tokens=chunk.total_output_text_token_count,
        metrics=chunk.metrics,
        guardrail=chunk.guardrail,
    )


def _parse_body(native: bytes) -> Piece:
    try:
        body = _decode_body(native)
    except (ValueError, RecursionError) as error:
        raise MalformedReply("the reply is not one of Titan's") from error
    result = body.results[0] if body.results else Result()
    return Piece(
        text=result.output_text,
        reason=result.completion_reason,
        input_tokens=body.input_text_token_count,
        output_tokens=result.token_count,
        guardrail=body.guardrail,
    )


FAMILY = Family(
    name="titan",
    accepts={
        "max_tokens": Range(1, 8192),  # Express; Lite takes 4096 and Premier 3072, which only the model itself knows
        "temperature": Range(0, 1),
        "top_p": Range(0, 1, above=True),
        "stop": None,
        "prompt": None,
    },
    max_tokens=1024,
    encode=encode,
    decode=decode,
    reader=reader,
    emulates=frozenset({"stop"}),  # but for the two that Titan knows
)
