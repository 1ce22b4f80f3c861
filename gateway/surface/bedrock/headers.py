"""The headers of Bedrock's protocol: which of the caller's go on to AWS, and which every reply carries."""

from collections.abc import Callable, Iterable

from gateway.errors import InvalidRequest
from gateway.surface.reply_headers import Headers, reply_headers
from gateway.usage.meter import Meter

_JSON = "application/json"
_PREFIX = b"x-amzn-bedrock-"

PASSED_ON = frozenset(
    {
        b"content-type",
        b"x-amzn-bedrock-accept",
        b"x-amzn-bedrock-guardrailidentifier",
        b"x-amzn-bedrock-guardrailversion",
        b"x-amzn-bedrock-performanceconfig-latency",
        b"x-amzn-bedrock-request-metadata",
        b"x-amzn-bedrock-service-tier",
        b"x-amzn-bedrock-trace",
    }
)
"""Those of a native request's that belong to it; ``accept`` is one where the reply is no event stream."""


def native_headers(headers: Iterable[tuple[bytes, bytes]], *, stream: bool) -> tuple[tuple[str, str], ...]:
    """The headers to send with a native body.

    Raises:
        InvalidRequest: One of Bedrock's that is not passed on, or that is no plain text.
    """
    accept = "x-amzn-bedrock-accept" if stream else "accept"
    sent = {"content-type": _JSON, accept: _JSON}
    for name, value in headers:
        if name in PASSED_ON:
            sent[name.decode()] = _text(name, value)
        elif name == b"accept" and not stream and value != b"*/*":
            sent["accept"] = _text(name, value)
        elif name.startswith(_PREFIX):
            raise InvalidRequest(f"The header {_shown(name)} is not passed on by this gateway: leave it out")
    return tuple(sorted(sent.items()))


def aws_headers(meter: Meter, name: Callable[[str], str] = str) -> Headers:
    """Those of every reply of ours, AWS's name for the request's id, and what a relayed reply keeps of the upstream's.

    Args:
        name: What the protocol calls a parameter.
    """
    headers = reply_headers(meter, name=name)
    headers.append((b"x-amzn-requestid", meter.request_id.encode()))
    if meter.call is not None:
        headers += meter.call.trail.passed_on
    return headers


def _text(name: bytes, value: bytes) -> str:
    text = value.decode("latin-1").strip()
    if not (text.isascii() and text.isprintable()):
        raise InvalidRequest(f"The header {_shown(name)} must be plain ASCII text")
    return text


def _shown(name: bytes) -> str:
    return name[:64].decode("latin-1")
