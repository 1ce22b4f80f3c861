"""Cohere Command and Command Light (text): one prompt in, one text out. Knows nothing of other families.

Source: Amazon Bedrock user guide, model-parameters-cohere-command; whole replies and the single-chunk stream as recorded
by openllmetry and the New Relic agent, incremental chunks as published clients read them; all read 2026-11-22.
"""

from typing import Any

import msgspec
from msgspec import Struct

from adapters.chat import ChatRequest
from adapters.deltas import Delta, TokenLogprob, Usage
from adapters.errors import MalformedReply
from adapters.family import AtMost, Family, Range, Reader
from adapters.pieces import Envelope, Piece, PieceReader, Words
from adapters.prompts.turns import cohere, written

WORDS: Words = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "ERROR_TOXIC": "content_filter",
    "ERROR": None,
}

# A marker of the model's own that some streams show as the last piece of text.
_END_OF_SEQUENCE = "<EOS_TOKEN>"


class TokenLikelihood(Struct, frozen=True):
    """``likelihood`` is the natural logarithm of the token's probability; the first token of a prompt has none."""

    token: str
    likelihood: float | None = None


class Generation(Struct, frozen=True):
    text: str | None = None
    finish_reason: str | None = None
    token_likelihoods: tuple[TokenLikelihood, ...] = ()


class Native(Envelope, frozen=True):
    """A whole body (``generations``) or a chunk (``text``, ``is_finished``); a stream may bring the one as its only chunk.

    The last chunk repeats the whole answer inside ``response``, which is therefore not read.
    """

    generations: tuple[Generation, ...] = ()
    text: str | None = None
    is_finished: bool = False
    finish_reason: str | None = None


_decode = msgspec.json.Decoder(Native).decode


def encode(request: ChatRequest, stream: bool) -> bytes:
    """The native body; without ``stream`` a stream comes in one chunk.

    Likelihoods stand in a whole body alone (Cohere's own stream has no place for them), so whoever wants them gets one.
    """
    sampling = request.sampling
    body: dict[str, Any] = {"prompt": written(request, cohere), "max_tokens": sampling.max_tokens}
    if sampling.temperature is not None:
        body["temperature"] = sampling.temperature
    if sampling.top_p is not None:
        body["p"] = sampling.top_p
    if sampling.stop:
        body["stop_sequences"] = sampling.stop
    if sampling.logprobs:
        body["return_likelihoods"] = "GENERATION"
    elif stream:
        body["stream"] = True
    return msgspec.json.encode(body)


def decode(body: bytes, _request: ChatRequest, counts: Usage | None) -> list[Delta]:
    """A whole reply. The body has no counts: they come from the headers alone."""
    return PieceReader(_parse, WORDS).whole(_parse(body), counts)


def reader(_request: ChatRequest) -> Reader:
    """A reader of chunks, or of the one chunk that is a whole body."""
    return PieceReader(_parse, WORDS)


def _parse(native: bytes) -> Piece:
    try:
        reply = _decode(native)
    except (ValueError, RecursionError) as error:
        raise MalformedReply("the reply is not one of Cohere's") from error
    likelihoods: tuple[TokenLikelihood, ...] = ()
    if reply.generations:
        text, reason = reply.generations[0].text, reply.generations[0].finish_reason
        likelihoods = reply.generations[0].token_likelihoods
    else:
        text, reason = reply.text, reply.finish_reason
    if reason is None and reply.is_finished:
        reason = ""
    return Piece(
        text="" if text == _END_OF_SEQUENCE else text,
        logprobs=_logprobs(likelihoods) if likelihoods else (),
        reason=reason,
        metrics=reply.metrics,
        guardrail=reply.guardrail,
    )


def _logprobs(likelihoods: tuple[TokenLikelihood, ...]) -> tuple[TokenLogprob, ...]:
    return tuple(
        TokenLogprob(told.token, told.likelihood)
        for told in likelihoods
        if told.likelihood is not None and told.token != _END_OF_SEQUENCE
    )


FAMILY = Family(
    name="cohere",
    accepts={
        "max_tokens": Range(1, 4096),
        "temperature": Range(0, 5),
        "top_p": Range(0, 1),
        "stop": AtMost(4),
        "logprobs": None,
        "prompt": None,
    },
    max_tokens=1024,
    encode=encode,
    decode=decode,
    reader=reader,
)
