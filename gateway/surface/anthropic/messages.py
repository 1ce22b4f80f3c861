"""``POST /v1/messages``: Anthropic's Messages on both sides of the path."""

from gateway.surface.answering import Dialect
from gateway.surface.anthropic.headers import anthropic_headers
from gateway.surface.anthropic.parse import parse_message
from gateway.surface.anthropic.problems import as_sent, envelope
from gateway.surface.anthropic.render import Events, whole

MESSAGES = Dialect(parse=parse_message, whole=whole, events=Events, envelope=envelope, headers=anthropic_headers, as_sent=as_sent)
