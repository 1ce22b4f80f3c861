"""OpenAI's breakpoints of its prompt cache into canonical cache points. Knows no message."""

from collections.abc import Mapping
from typing import Protocol

from adapters import chat
from gateway.surface.openai.wire import PromptCacheBreakpoint

LONGER_THAN_BEDROCK = "12h"
# OpenAI's least times in a cache, and the nearest of Bedrock's two.
TTLS: Mapping[str, str] = {"30m": "1h", LONGER_THAN_BEDROCK: "1h"}


class Breakable(Protocol):
    """A part that a breakpoint may follow."""

    @property
    def prompt_cache_breakpoint(self) -> PromptCacheBreakpoint | None: ...


def cache_point(part: Breakable) -> tuple[chat.CachePoint, ...]:
    """The cache point after a part, if it has one."""
    point = part.prompt_cache_breakpoint
    return () if point is None else (chat.CachePoint(TTLS.get(point.ttl or "", point.ttl)),)


def is_shortened(part: Breakable) -> bool:
    """Whether the caller wants it kept for longer than Bedrock does."""
    point = part.prompt_cache_breakpoint
    return point is not None and point.ttl == LONGER_THAN_BEDROCK
