"""What differs between the generations of Claude that Bedrock serves. Facts only; knows no request.

Sources, read 2026-11-27: Amazon Bedrock user guide, structured-output (``output_config.format`` and strict tools since
Claude 4.5) and claude-messages-extended-thinking; refusals as callers recorded them: "`temperature` and `top_p` cannot both
be specified for this model" (since Claude Opus 4.1; all of 4.5 and 4.6).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from adapters.family import AtMost, Beside, CachePoints, OneOf, Range, Rule, Sealed

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

ACCEPTS: Mapping[str, Rule] = MappingProxyType(
    {
        "max_tokens": Range(1, 200_000),  # each model has its own bound below its context, and says so itself
        "temperature": Range(0, 1),
        "top_p": Range(0, 1),
        "top_k": Range(0, 500),
        "stop": AtMost(8191),
        "reasoning_effort": OneOf(EFFORTS),
        "reasoning_tokens": Range(1024, 200_000),
        "reasoning": Sealed(),
        "tools": None,
        "tool_choice": None,
        "parallel_tool_calls": None,
        "response_format": None,
        "images": AtMost(20),
        "documents": None,
        "cache": CachePoints(tools=True, ttl=True),
    }
)

# "`temperature` may only be set to 1 when thinking is enabled"; top_k has to be unset, top_p at least 0.95.
_WHILE_THINKING: Mapping[str, Range | None] = {"temperature": Range(1, 1), "top_p": Range(0.95, 1), "top_k": None}
_THINKING: Beside = {
    "reasoning_tokens": _WHILE_THINKING,
    "reasoning_effort": {**_WHILE_THINKING, "reasoning_tokens": None},
}


class Generation(NamedTuple):
    """One generation of Claude.

    Attributes:
        name: The family's.
        has_format: It takes ``output_config.format`` and enforces strict tools.
        beside: See ``adapters.family.Family``.
    """

    name: str
    has_format: bool
    beside: Beside


OLDER = Generation("claude", has_format=False, beside=MappingProxyType(_THINKING))
NEWER = Generation("claude_4_5", has_format=True, beside=MappingProxyType({**_THINKING, "temperature": {"top_p": None}}))
