"""The headers of Anthropic's protocol: its name for the request's id, and how a count was come by."""

from gateway.surface.anthropic.problems import SPELLING
from gateway.surface.reply_headers import Headers
from gateway.surface.spelling import headers_in
from gateway.usage.meter import Meter

_headers = headers_in(SPELLING)


def anthropic_headers(meter: Meter) -> Headers:
    """Those that every reply of ours has, and ``request-id``, which the SDKs show."""
    return [*_headers(meter), (b"request-id", meter.request_id.encode())]
