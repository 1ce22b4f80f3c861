"""``Converse`` and ``ConverseStream``: Bedrock's one body for all chat models, in front of every family by translation."""

from functools import partial

from gateway.call import Call
from gateway.surface.answering import Dialect
from gateway.surface.bedrock.headers import aws_headers
from gateway.surface.bedrock.parse import notes_of, parse_converse
from gateway.surface.bedrock.problems import envelope
from gateway.surface.bedrock.render import Events, whole
from gateway.surface.reply_headers import Headers
from gateway.surface.spelling import Spelling, respelled, spelled
from gateway.usage.meter import Meter

EVENT_STREAM: Headers = [(b"content-type", b"application/vnd.amazon.eventstream")]

_FIELDS = ("top_k", "seed", "frequency_penalty", "presence_penalty", "reasoning_effort")
SPELLING: Spelling = {
    "max_tokens": "inferenceConfig.maxTokens",
    "temperature": "inferenceConfig.temperature",
    "top_p": "inferenceConfig.topP",
    "stop": "inferenceConfig.stopSequences",
    "tools": "toolConfig.tools",
    "tool_choice": "toolConfig.toolChoice",
    "response_format": "outputConfig.textFormat",
    "reasoning_tokens": "additionalModelRequestFields.thinking",
    "metadata": "promptVariables",
    "messages": "a block of messages",  # families count messages that are not the caller's: a turn may be several
    **{name: f"additionalModelRequestFields.{name}" for name in _FIELDS},
}
"""Chat's names of parameters, and Converse's."""


def _envelope(error: Exception, _request_id: str) -> tuple[int, bytes, Headers]:
    return envelope(respelled(error, SPELLING, {}))


def _as_sent(error: Exception, call: Call) -> Exception:
    names = notes_of(call).names
    return respelled(error, {**SPELLING, **names}, {}) if names else error


def _headers(meter: Meter) -> Headers:
    return aws_headers(meter, name=lambda name: spelled(name, SPELLING))


def _dialect(*, stream: bool) -> Dialect:
    return Dialect(
        parse=partial(parse_converse, stream=stream),
        whole=whole,
        events=Events,
        envelope=_envelope,
        stream_headers=EVENT_STREAM,
        headers=_headers,
        signed=True,
        as_sent=_as_sent,
    )


WHOLE = _dialect(stream=False)
STREAM = _dialect(stream=True)
