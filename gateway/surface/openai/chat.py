"""``POST /v1/chat/completions``: OpenAI's chat on both sides of the path."""

from gateway.surface.answering import Dialect
from gateway.surface.openai.parse import parse_chat
from gateway.surface.openai.render import Events, whole

CHAT = Dialect(parse=parse_chat, whole=whole, events=Events)
