"""JSON as it travels inside an event stream, and what is the same in the streams of chat and completions.

Knows SSE and OpenAI's counts; no delta but ``Usage``, and no endpoint.
"""

from collections.abc import Sequence

import msgspec

from adapters.deltas import Usage
from gateway.surface.openai import wire
from gateway.surface.problems import envelope

encode = msgspec.json.Encoder().encode

DONE = b"data: [DONE]\n\n"

# JSON leaves these as they are and SSE does not split at them, but line readers built on ``str.splitlines`` do.
_LINE_ENDS = ((b"\xe2\x80\xa8", rb"\u2028"), (b"\xe2\x80\xa9", rb"\u2029"), (b"\xc2\x85", rb"\u0085"))


def quoted(text: str) -> bytes:
    """A text as JSON that no client takes for several lines."""
    return framed(encode(text))


def framed(json: bytes) -> bytes:
    """JSON with every character escaped that some client takes for the end of a line."""
    for raw, escaped in _LINE_ENDS:
        if raw in json:
            json = json.replace(raw, escaped)
    return json


def error_event(error: Exception) -> bytes:
    """The last event of a reply that failed. Nothing may follow it: no finish reason, no ``[DONE]``."""
    _, body, _ = envelope(error)
    return b"data: " + body + b"\n\n"


def completion_usage(usages: Sequence[Usage], *, reasoned: bool) -> wire.CompletionUsage:
    """The choices' counts added up: each was a request of its own."""
    prompt = completion = cached = written = 0
    for usage in usages:
        prompt += usage.input_tokens
        completion += usage.output_tokens
        cached += usage.cache_read_tokens
        written += usage.cache_write_tokens
    return wire.CompletionUsage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        prompt_tokens_details=wire.PromptTokensDetails(cached_tokens=cached, cache_write_tokens=written),
        completion_tokens_details=msgspec.UNSET if reasoned else wire.CompletionTokensDetails(reasoning_tokens=0),
    )


def usage_event(head: bytes, usages: Sequence[Usage], *, reasoned: bool) -> bytes:
    """The chunk that holds no choice, and the counts of all of them; ``head`` ends with ``"choices":[``."""
    usage = encode(completion_usage(usages, reasoned=reasoned) if usages else None)
    return head + b'],"usage":' + usage + b"}\n\n"
