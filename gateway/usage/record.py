"""One line of what happened: the facts of a finished request, without a word of its content."""

from typing import Literal

from msgspec import Struct

Outcome = Literal["complete", "cut", "client_gone", "refused", "failed"]
"""``complete``: answered whole. ``cut``: failed after the first byte. ``client_gone``: the caller left.
``refused``: the caller's to mend (4xx). ``failed``: ours or the upstream's (5xx), before the first byte."""


class Record(Struct, frozen=True, omit_defaults=True):
    """The record of one request, as it is logged.

    Attributes:
        time: Unix seconds at its end.
        key: The key's id, never its secret; ``None`` when nobody was recognised.
        error: The metric word of the error that ended it.
        guardrail: Where the alias's guardrail intervened, of ``input``, ``output`` and ``inline``.
        detail: The upstream's own words on a failure, for operators.
        template: Digest of the model's own chat template that wrote the prompt; ``None``: another wrote it, or none.
        usage_source: ``estimate`` when the upstream gave no counts.
    """

    time: float
    event: str
    request_id: str
    outcome: Outcome
    status: int
    duration_seconds: float
    model: str | None = None
    key: str | None = None
    owner: str | None = None
    target: str | None = None
    attempts: int = 0
    stream: bool = False
    choices: int = 1
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    usage_source: str | None = None
    finish_reasons: tuple[str, ...] = ()
    ttft_seconds: float | None = None
    overhead_seconds: float | None = None
    cold_start_seconds: float = 0.0
    ignored_parameters: tuple[str, ...] = ()
    guardrail: tuple[str, ...] = ()
    template: str | None = None
    error: str | None = None
    detail: str | None = None
