"""What a document must say, as far as the registry reads it.

Protocols, so that the settings, which stand on a lower floor and which no room may import, need not be known: their
frozen Structs have this shape, and mypy proves it where the composition root passes them. A test may pass its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gateway.registry.model import KeepWarm


class CapacityEntry(Protocol):
    """What a target can carry."""

    @property
    def tokens_per_minute(self) -> int | None: ...
    @property
    def concurrent_requests(self) -> int | None: ...


class ColdStartEntry(Protocol):
    """What to do while an imported model is restored."""

    @property
    def patience_seconds(self) -> float: ...
    @property
    def keep_warm(self) -> KeepWarm: ...


class ChatTemplateEntry(Protocol):
    """The model's own chat template."""

    @property
    def source(self) -> str | None: ...
    @property
    def sha256(self) -> str | None: ...
    @property
    def enabled(self) -> bool: ...


class TargetEntry(Protocol):
    """One of an alias's targets; ``None`` where the document does not say."""

    @property
    def arn(self) -> str: ...
    @property
    def name(self) -> str | None: ...
    @property
    def family(self) -> str | None: ...
    @property
    def built_in_template(self) -> str | None: ...
    @property
    def region(self) -> str | None: ...
    @property
    def weight(self) -> int: ...
    @property
    def priority(self) -> int: ...
    @property
    def role_arn(self) -> str | None: ...
    @property
    def capacity(self) -> CapacityEntry: ...
    @property
    def cold_start(self) -> ColdStartEntry: ...
    @property
    def chat_template(self) -> ChatTemplateEntry | None: ...


class TimeoutsEntry(Protocol):
    """How long a request may take, in seconds."""

    @property
    def total_seconds(self) -> float: ...
    @property
    def first_token_seconds(self) -> float: ...
    @property
    def between_bytes_seconds(self) -> float: ...
    @property
    def connect_seconds(self) -> float: ...


class PromptEntry(Protocol):
    """The format that a model was trained on."""

    @property
    def template(self) -> str: ...
    @property
    def stop(self) -> Sequence[str]: ...


class GuardrailEntry(Protocol):
    """What everything through an alias is checked by."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> str | int: ...
    @property
    def stream_characters(self) -> int: ...


class RouteEntry(Protocol):
    """What an alias stands for."""

    @property
    def targets(self) -> Sequence[TargetEntry]: ...
    @property
    def description(self) -> str: ...
    @property
    def fallbacks(self) -> Sequence[str]: ...
    @property
    def defaults(self) -> Mapping[str, Any]: ...
    @property
    def ignore_parameters(self) -> Sequence[str]: ...
    @property
    def timeouts(self) -> TimeoutsEntry: ...
    @property
    def prompt(self) -> PromptEntry | None: ...
    @property
    def guardrail(self) -> GuardrailEntry | None: ...
