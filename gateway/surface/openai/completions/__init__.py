"""``POST /v1/completions``: OpenAI's legacy completions. The prompt goes to the model as it stands, through no template."""

from gateway.surface.answering import Dialect
from gateway.surface.openai.completions.parse import parse_completion
from gateway.surface.openai.completions.render import Events, whole
from gateway.surface.spelling import envelope_in, headers_in

_SPELLING = {"top_logprobs": "logprobs"}
_HINTS = {
    "prompt": ": it reads conversations, so ask /v1/chat/completions",
    "logprobs": " (best_of needs them, too)",
}

COMPLETIONS = Dialect(
    parse=parse_completion,
    whole=whole,
    events=Events,
    envelope=envelope_in(_SPELLING, _HINTS),
    headers=headers_in(_SPELLING),
)
