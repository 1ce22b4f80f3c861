"""``Converse`` and ``ConverseStream``: Bedrock's one body for all chat models, in front of every family by translation."""

from functools import partial

from gateway.surface.answering import Dialect
from gateway.surface.bedrock.headers import aws_headers
from gateway.surface.bedrock.parse import parse_converse
from gateway.surface.bedrock.problems import envelope
from gateway.surface.bedrock.render import Events, whole
from gateway.surface.reply_headers import Headers

EVENT_STREAM: Headers = [(b"content-type", b"application/vnd.amazon.eventstream")]


def _dialect(*, stream: bool) -> Dialect:
    return Dialect(
        parse=partial(parse_converse, stream=stream),
        whole=whole,
        events=Events,
        envelope=envelope,
        stream_headers=EVENT_STREAM,
        headers=aws_headers,
        signed=True,
    )


WHOLE = _dialect(stream=False)
STREAM = _dialect(stream=True)
