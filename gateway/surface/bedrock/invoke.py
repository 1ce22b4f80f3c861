"""``InvokeModel`` and ``InvokeModelWithResponseStream``: a native body in, native bytes out, neither of them touched."""

from collections.abc import Sequence
from functools import partial

from adapters.chat import ChatRequest
from gateway.call import Call
from gateway.errors import InvalidRequest
from gateway.relay import relay
from gateway.surface.answering import Arrival, Dialect
from gateway.surface.bedrock.headers import aws_headers, native_headers
from gateway.surface.bedrock.place import place_of
from gateway.surface.bedrock.problems import envelope, exception_frame

_NOTHING_READ = ChatRequest(messages=())


def parse_invoke(body: bytes, arrival: Arrival, *, stream: bool) -> Call:
    """Read the path and the headers. The body is the model's business.

    Raises:
        InvalidRequest: There is none, or a header cannot be passed on.
    """
    place = place_of(arrival.path)
    assert place is not None, "only such paths are answered here"
    if not body:
        raise InvalidRequest("The body is empty: send the native body of the model")
    return Call(
        id=arrival.id,
        key=arrival.key,
        alias=place.alias,
        request=_NOTHING_READ,
        received_at=arrival.received_at,
        stream=stream,
        body=body,
        headers=native_headers(arrival.headers, stream=stream),
    )


class Frames:
    """The frames of one relayed stream, as they came."""

    def __init__(self, _call: Call, _created: int) -> None:
        """Nothing of the call is needed."""

    def events(self, _choice: int, pieces: Sequence[bytes]) -> bytes:
        """The next whole frames."""
        return b"".join(pieces)

    def end(self) -> bytes:
        """The upstream has said everything itself."""
        return b""

    def error(self, error: Exception) -> bytes:
        """An exception frame."""
        return exception_frame(error, converse=False)


def _whole(_call: Call, choices: Sequence[Sequence[bytes]], _created: int) -> bytes:
    return b"".join(choices[0])


def _dialect(*, stream: bool) -> Dialect:
    return Dialect(
        parse=partial(parse_invoke, stream=stream),
        whole=_whole,
        events=Frames,
        envelope=envelope,
        whole_headers=[],  # the upstream's own
        stream_headers=[],
        headers=aws_headers,
        ask=relay,
        signed=True,
    )


WHOLE = _dialect(stream=False)
STREAM = _dialect(stream=True)
