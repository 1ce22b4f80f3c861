"""``POST /v1/messages/count_tokens``: how long a prompt is, and whether that was counted or estimated."""

from collections.abc import Sequence

from gateway.call import Call
from gateway.counting import count
from gateway.surface.answering import Dialect
from gateway.surface.anthropic.headers import anthropic_headers
from gateway.surface.anthropic.parse import parse_count
from gateway.surface.anthropic.problems import as_sent, envelope
from gateway.surface.anthropic.render import Events
from gateway.surface.anthropic.wire.replies import TokenCount
from gateway.surface.openai.framing import encode
from gateway.surface.reply_headers import Headers
from gateway.templating.model import Count
from gateway.usage.meter import Meter


def whole(call: Call, choices: Sequence[Sequence[Count]], _created: int) -> bytes:
    """The count as one JSON body; the call notes it for the headers."""
    ((counted,),) = choices
    call.notes = counted
    return encode(TokenCount(counted.tokens))


def headers(meter: Meter) -> Headers:
    """Those of every reply here, and ``x-quarry-count``: ``exact`` or ``estimate``."""
    counted = meter.call.notes if meter.call is not None else None
    if not isinstance(counted, Count):
        return anthropic_headers(meter)
    return [*anthropic_headers(meter), (b"x-quarry-count", b"exact" if counted.exact else b"estimate")]


COUNT = Dialect(parse=parse_count, whole=whole, events=Events, envelope=envelope, headers=headers, ask=count, as_sent=as_sent)
