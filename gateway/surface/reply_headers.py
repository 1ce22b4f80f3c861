"""The headers that every reply of ours carries: which request it was, who answered, what was left out, where time went."""

from collections.abc import Callable

from litestar.types import Message, Scope

from gateway.surface.body import request_id
from gateway.usage.meter import Meter

Headers = list[tuple[bytes, bytes]]


def reply_headers(meter: Meter, *, name: Callable[[str], str] = str) -> Headers:
    """``x-request-id`` always; ``x-quarry-*`` and ``server-timing`` as far as the request came.

    Names and meanings: design 4.2. Parameter names in ``x-quarry-ignored-parameters`` are ours (a closed set), so no
    caller's text ever becomes a header; the request id has been checked when it was read.

    Args:
        name: What the endpoint calls a parameter.
    """
    headers = [(b"x-request-id", meter.request_id.encode())]
    call = meter.call
    if call is None:
        return headers
    trail = call.trail
    if trail.target:
        headers.append((b"x-quarry-target", trail.target.encode()))
        headers.append((b"x-quarry-attempts", b"%d" % trail.attempts))
    if trail.ignored:
        headers.append((b"x-quarry-ignored-parameters", ", ".join(map(name, trail.ignored)).encode()))
    if trail.cold_start_seconds:
        headers.append((b"x-quarry-cold-start-seconds", b"%.1f" % trail.cold_start_seconds))
    timing = (trail.auth_seconds * 1e3, trail.translate_seconds * 1e3, meter.upstream_seconds * 1e3)
    headers.append((b"server-timing", b"auth;dur=%.3f, translate;dur=%.3f, upstream;dur=%.1f" % timing))
    return headers


async def identify(message: Message, scope: Scope) -> None:
    """Litestar's last look at a message before it is sent: a reply without an ``x-request-id`` gets one.

    So every ordinary route has it, with what Litestar answers by itself; chat writes its own, which is also the record's.
    """
    if message["type"] != "http.response.start":
        return
    headers = message["headers"]
    if all(name != b"x-request-id" for name, _ in headers):
        message["headers"] = [*headers, (b"x-request-id", request_id(scope["headers"]).encode())]
