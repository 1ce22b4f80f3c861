"""``POST /v1/responses``: OpenAI's Responses, as far as they go without storing anything."""

from gateway.surface.answering import Dialect
from gateway.surface.openai.responses.parse import parse_response
from gateway.surface.openai.responses.render import Events, whole
from gateway.surface.spelling import envelope_in, headers_in

_SPELLING = {
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "cache_control": "prompt_cache_breakpoint",
    "reasoning_details": "the reasoning items",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
    "logprobs": "include",
    "messages": "input",
}
_HINTS = {"logprobs": " (message.output_text.logprobs, or top_logprobs, asks for them)"}

RESPONSES = Dialect(
    parse=parse_response,
    whole=whole,
    events=Events,
    envelope=envelope_in(_SPELLING, _HINTS),
    headers=headers_in(_SPELLING),
)
