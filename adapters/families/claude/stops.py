"""Which stop strings Claude takes, and which are left to us.

Claude refuses one that is all white space: "stop_sequences: each stop sequence must contain non-whitespace"
(github.com/BerriAI/litellm/issues/3286, of Claude 3 Haiku, read 2026-11-22). Callers do send a bare newline.
"""

from adapters.chat import ChatRequest


def native_stops(request: ChatRequest) -> list[str]:
    """Those that go into the body."""
    return [stop for stop in request.sampling.stop if not stop.isspace()]


def foreign_stops(request: ChatRequest) -> list[str]:
    """Those that the reader honours."""
    return [stop for stop in request.sampling.stop if stop.isspace()]
