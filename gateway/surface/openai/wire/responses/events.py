"""The events of a streamed response, field for field. ``sequence_number`` counts them from 0, whatever they are.

Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from typing import Annotated

from msgspec import Meta, Struct

from gateway.surface.openai.wire.replies import Error, TokenLogprob
from gateway.surface.openai.wire.responses.items import ReasoningPart
from gateway.surface.openai.wire.responses.reply import OutputItem, Response, SaidText


class Created(Struct, frozen=True, tag_field="type", tag="response.created"):
    """The first event."""

    sequence_number: int
    response: Response


class InProgress(Struct, frozen=True, tag_field="type", tag="response.in_progress"):
    """The second one."""

    sequence_number: int
    response: Response


class ItemAdded(Struct, frozen=True, tag_field="type", tag="response.output_item.added"):
    """An item begins; its parts follow."""

    sequence_number: int
    output_index: int
    item: OutputItem


class ItemDone(Struct, frozen=True, tag_field="type", tag="response.output_item.done"):
    """An item is complete; the next one may begin."""

    sequence_number: int
    output_index: int
    item: OutputItem


class PartAdded(Struct, frozen=True, tag_field="type", tag="response.content_part.added"):
    """A part of an item begins."""

    sequence_number: int
    item_id: str
    output_index: int
    content_index: int
    part: SaidText | ReasoningPart


class PartDone(Struct, frozen=True, tag_field="type", tag="response.content_part.done"):
    """A part of an item is complete."""

    sequence_number: int
    item_id: str
    output_index: int
    content_index: int
    part: SaidText | ReasoningPart


class TextDelta(Struct, frozen=True, tag_field="type", tag="response.output_text.delta"):
    """Some more of the answer, with the log probabilities of its tokens where they were asked for."""

    sequence_number: int
    item_id: str
    output_index: int
    content_index: int
    delta: str
    logprobs: list[TokenLogprob]


class TextDone(Struct, frozen=True, tag_field="type", tag="response.output_text.done"):
    """The text of a part, whole."""

    sequence_number: int
    item_id: str
    output_index: int
    content_index: int
    text: str
    logprobs: list[TokenLogprob]


class ReasoningDelta(Struct, frozen=True, tag_field="type", tag="response.reasoning_text.delta"):
    """Some more of a thought."""

    sequence_number: int
    item_id: str
    output_index: int
    content_index: int
    delta: str


class ReasoningDone(Struct, frozen=True, tag_field="type", tag="response.reasoning_text.done"):
    """A thought, whole."""

    sequence_number: int
    item_id: str
    output_index: int
    content_index: int
    text: str


class ArgumentsDelta(Struct, frozen=True, tag_field="type", tag="response.function_call_arguments.delta"):
    """Some more of a call's arguments."""

    sequence_number: int
    item_id: str
    output_index: int
    delta: str


class ArgumentsDone(Struct, frozen=True, tag_field="type", tag="response.function_call_arguments.done"):
    """A call's arguments, whole."""

    sequence_number: int
    item_id: str
    output_index: int
    arguments: str


class Completed(Struct, frozen=True, tag_field="type", tag="response.completed"):
    """The last event of a response that is complete."""

    sequence_number: int
    response: Response


class Incomplete(Struct, frozen=True, tag_field="type", tag="response.incomplete"):
    """The last event of a response that was cut off by its length or by a filter."""

    sequence_number: int
    response: Response


class Failed(Struct, frozen=True, tag_field="type", tag="response.failed"):
    """The last event of a response that failed; an ``error`` stands before it."""

    sequence_number: int
    response: Response


class Failure(Struct, frozen=True, tag_field="type", tag="error"):
    """What went wrong. OpenAI documents the fields side by side, and sends them inside ``error``, where its clients look."""

    sequence_number: int
    code: str | None
    message: str
    param: str | None
    error: Error


ResponseEvent = Annotated[
    Created
    | InProgress
    | ItemAdded
    | ItemDone
    | PartAdded
    | PartDone
    | TextDelta
    | TextDone
    | ReasoningDelta
    | ReasoningDone
    | ArgumentsDelta
    | ArgumentsDone
    | Completed
    | Incomplete
    | Failed
    | Failure,
    Meta(description="One event of a streamed response."),
]
