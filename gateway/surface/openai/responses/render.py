"""A response into OpenAI's bytes: one JSON body, or the events of a stream. It knows no family, no network and no clock."""

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from adapters.deltas import Delta, Usage
from adapters.errors import MalformedReply
from gateway.call import Call
from gateway.surface.openai import wire
from gateway.surface.openai.framing import encode, framed
from gateway.surface.openai.responses.output import Output
from gateway.surface.openai.responses.parse import notes_of
from gateway.surface.openai.wire import TextFormat
from gateway.surface.openai.wire.responses import events as kinds
from gateway.surface.openai.wire.responses import reply
from gateway.surface.openai.wire.responses.request import TextConfig
from gateway.surface.problems import envelope
from gateway.usage.estimate import tokens_of

_REASONS: dict[str, Literal["max_output_tokens", "content_filter"]] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}
_FAILURES: dict[int, Literal["rate_limit_exceeded", "invalid_prompt"]] = {429: "rate_limit_exceeded", 400: "invalid_prompt"}
"""OpenAI's few words for why a response failed, by the error's status; every other is ``server_error``."""


def response_id(call: Call) -> str:
    """The reply's id; it holds the request's, so that either finds the other in a log."""
    return f"resp_{call.id}"


def whole(call: Call, choices: Sequence[Sequence[Delta]], created: int) -> bytes:
    """A whole reply as one JSON body.

    Args:
        choices: Everything that came; a response has one choice.
        created: Unix seconds.

    Raises:
        MalformedReply: It never finished.
    """
    output = Output(call)
    output.take(choices[0])
    return encode(_ended(_begun(call, created), output))


class Events:
    """The events of one streamed response. Feed it what comes, then call ``end`` once, or ``error`` once."""

    def __init__(self, call: Call, created: int) -> None:
        self._response = _begun(call, created)
        self._output = Output(call, self._write)
        self._out: list[bytes] = []
        self._is_begun = False

    def events(self, choice: int, deltas: Sequence[Delta]) -> bytes:  # noqa: ARG002 - a response has one choice
        """Every event of one batch, joined for one send; empty when the batch has nothing to say to the caller."""
        self._begin()
        self._output.take(deltas)
        return self._taken()

    def end(self) -> bytes:
        """The last events of a response that is complete; an error's, should it not be complete after all."""
        try:
            response = _ended(self._response, self._output)
        except MalformedReply as error:
            return self.error(error)
        self._output.tell(kinds.Completed if response.status == "completed" else kinds.Incomplete, response)
        return self._taken()

    def error(self, error: Exception) -> bytes:
        """The last events of a response that failed: the error as OpenAI's clients look for it, then the failed response."""
        self._begin()
        status, body, _ = envelope(error)
        shown = msgspec.json.decode(body, type=wire.ErrorEnvelope).error
        self._output.tell(kinds.Failure, shown.code, shown.message, shown.param, shown)
        failure = reply.ResponseError(_FAILURES.get(status, "server_error"), shown.message)
        self._output.tell(kinds.Failed, replace(self._response, status="failed", error=failure, output=list(self._output.items)))
        return self._taken()

    def _begin(self) -> None:
        if not self._is_begun:
            self._is_begun = True
            self._output.tell(kinds.Created, self._response)
            self._output.tell(kinds.InProgress, self._response)

    def _write(self, event: kinds.ResponseEvent) -> None:
        name = str(event.__struct_config__.tag).encode()
        self._out.append(b"event: " + name + b"\ndata: " + framed(encode(event)) + b"\n\n")

    def _taken(self) -> bytes:
        """What has been written since it was last asked for."""
        data = b"".join(self._out)
        self._out.clear()
        return data


def _begun(call: Call, created: int) -> reply.Response:
    """The response before anything is said; most of it repeats the request."""
    asked = notes_of(call).asked
    return reply.Response(
        id=response_id(call),
        created_at=created,
        status="in_progress",
        instructions=asked.instructions,
        max_output_tokens=asked.max_output_tokens,
        max_tool_calls=asked.max_tool_calls,
        model=call.alias,
        output=[],
        parallel_tool_calls=asked.parallel_tool_calls is not False,
        prompt_cache_key=asked.prompt_cache_key,
        reasoning=reply.ShownReasoning(asked.reasoning.effort if asked.reasoning else None),
        safety_identifier=asked.safety_identifier,
        temperature=asked.temperature,
        text=asked.text if asked.text and asked.text.format else TextConfig(TextFormat()),
        tool_choice=asked.tool_choice or "auto",
        tools=asked.tools or (),
        top_logprobs=asked.top_logprobs or 0,
        top_p=asked.top_p,
        user=asked.user,
        metadata=asked.metadata or {},
    )


def _ended(response: reply.Response, output: Output) -> reply.Response:
    """The response with everything that was said, and why it ended."""
    reason = _REASONS.get(output.end().reason)
    return replace(
        response,
        status="incomplete" if reason else "completed",
        incomplete_details=reply.IncompleteDetails(reason) if reason else None,
        output=output.items,
        usage=_usage(output.usage, output.shown_reasoning) if output.usage is not None else None,
    )


def _usage(usage: Usage, shown_reasoning: int) -> reply.ResponseUsage:
    return reply.ResponseUsage(
        input_tokens=usage.input_tokens,
        input_tokens_details=reply.InputTokensDetails(usage.cache_read_tokens, usage.cache_write_tokens),
        output_tokens=usage.output_tokens,
        output_tokens_details=reply.OutputTokensDetails(min(tokens_of(shown_reasoning), usage.output_tokens)),
        total_tokens=usage.input_tokens + usage.output_tokens,
    )
