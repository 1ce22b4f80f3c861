"""What the input of a response is made of: messages and their parts, calls and their results, thoughts. Knows no reply.

A reply's items are sent back as they were received, so each of these also takes what only replies hold.

Source: https://platform.openai.com/docs/api-reference/responses/create#responses-create-input
"""

from typing import Annotated, Literal

from msgspec import Meta

from gateway.surface.openai.wire.requests import (
    Closed,
    Detail,
    FunctionName,
    Ignored,
    PromptCacheBreakpoint,
    RefusalPart,
    Refused,
)


class InputText(Closed, frozen=True, tag_field="type", tag="input_text"):
    """A run of text."""

    text: str
    prompt_cache_breakpoint: PromptCacheBreakpoint | None = None


class InputImage(Closed, frozen=True, tag_field="type", tag="input_image"):
    """An image as a base64 ``data:`` URL of a JPEG, PNG, GIF or WebP. Other URLs are refused: Quarry fetches nothing."""

    image_url: str | None = None
    detail: Detail | None = None
    file_id: Refused = None
    prompt_cache_breakpoint: PromptCacheBreakpoint | None = None


class InputFile(Closed, frozen=True, tag_field="type", tag="input_file"):
    """A document as a base64 ``data:`` URL in ``file_data``. Other URLs are refused: Quarry fetches nothing."""

    file_data: str | None = None
    filename: str | None = None
    detail: Ignored = None
    file_id: Refused = None
    file_url: Refused = None
    prompt_cache_breakpoint: PromptCacheBreakpoint | None = None


class OutputText(Closed, frozen=True, tag_field="type", tag="output_text"):
    """What an assistant said in an earlier turn."""

    text: str
    annotations: Ignored = None
    logprobs: Ignored = None
    parsed: Ignored = None


Given = InputText | InputImage | InputFile
Part = Given | OutputText | RefusalPart
Parts = Annotated[tuple[Part, ...], Meta(min_length=1)]
ResultParts = Annotated[tuple[Given, ...], Meta(min_length=1)]


class MessageItem(Closed, frozen=True, tag_field="type", tag="message"):
    """A message of whatever role. Of a message alone, ``type`` may be left out."""

    role: Literal["user", "assistant", "system", "developer"]
    content: str | Parts
    id: Ignored = None
    status: Ignored = None
    phase: Ignored = None


class FunctionCallItem(Closed, frozen=True, tag_field="type", tag="function_call", rename={"async_": "async"}):
    """A call that the assistant made in an earlier turn; ``arguments`` is the JSON text of one object."""

    call_id: Annotated[str, Meta(min_length=1)]
    name: FunctionName
    arguments: str
    id: Ignored = None
    status: Ignored = None
    caller: Ignored = None
    namespace: Refused = None
    async_: Refused = None
    parsed_arguments: Ignored = None


class FunctionCallOutputItem(Closed, frozen=True, tag_field="type", tag="function_call_output"):
    """The result of one call of the assistant's turn before it."""

    call_id: Annotated[str, Meta(min_length=1)]
    output: str | ResultParts
    id: Ignored = None
    status: Ignored = None
    caller: Ignored = None
    name: Ignored = None
    namespace: Ignored = None


class SummaryText(Closed, frozen=True, tag_field="type", tag="summary_text"):
    """A summary of a thought."""

    text: str


class ReasoningPart(Closed, frozen=True, tag_field="type", tag="reasoning_text"):
    """A thought."""

    text: str


class ReasoningItem(Closed, frozen=True, tag_field="type", tag="reasoning"):
    """A thought of an earlier turn. ``encrypted_content`` holds all that the model needs of it; what else is there is then not read."""

    summary: tuple[SummaryText, ...] = ()
    content: tuple[ReasoningPart, ...] | None = None
    encrypted_content: str | None = None
    id: Ignored = None
    status: Ignored = None


Item = MessageItem | FunctionCallItem | FunctionCallOutputItem | ReasoningItem
