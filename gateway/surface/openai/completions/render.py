"""Deltas into the bytes of OpenAI's completions: one JSON body, or the events of a stream. Knows no family and no clock."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Literal

import msgspec

from adapters.deltas import Delta, Finish, Reply, Text, TokenLogprob, Usage, assemble
from adapters.errors import MalformedReply
from gateway.call import Call
from gateway.surface.openai.completions.parse import Notes, notes_of
from gateway.surface.openai.framing import DONE, completion_usage, encode, error_event, framed, quoted, usage_event
from gateway.surface.openai.logprobs import gathered, shown
from gateway.surface.openai.wire.completions import Completion, CompletionChoice, CompletionLogprobs

Reason = Literal["stop", "length", "content_filter"]


def completion_id(call: Call) -> str:
    """The reply's id; it holds the request's, so that either finds the other in a log."""
    return f"cmpl-{call.id}"


def whole(call: Call, choices: Sequence[Sequence[Delta]], created: int) -> bytes:
    """A whole reply as one JSON body.

    Args:
        choices: Everything that came for each text, those of the first prompt first.
        created: Unix seconds.

    Raises:
        MalformedReply: A text never finished.
    """
    notes, replies = notes_of(call), [assemble(deltas) for deltas in choices]
    usages = [reply.usage for reply in replies if reply.usage is not None]
    body = Completion(
        id=completion_id(call),
        created=created,
        model=call.alias,
        choices=[_choice(index, choice, replies[choice], call) for index, choice in enumerate(_best(replies, notes))],
        usage=completion_usage(usages, reasoned=False) if usages else msgspec.UNSET,
    )
    return encode(body)


def _best(replies: Sequence[Reply], notes: Notes) -> Iterable[int]:
    """The choices to show: of each prompt's the likeliest, measured by the token."""
    if notes.kept == notes.candidates:
        yield from range(len(replies))
        return
    for first in range(0, len(replies), notes.candidates):
        candidates = range(first, first + notes.candidates)
        yield from sorted(candidates, key=lambda choice: _likelihood(replies[choice]), reverse=True)[: notes.kept]


def _likelihood(reply: Reply) -> float:
    """The mean log probability of a text's tokens; a text of no tokens is nobody's best."""
    return sum(token.logprob for token in reply.logprobs) / len(reply.logprobs) if reply.logprobs else float("-inf")


def _choice(index: int, choice: int, reply: Reply, call: Call) -> CompletionChoice:
    if reply.finish is None:
        raise MalformedReply("the reply has no finish reason")
    notes = notes_of(call)
    text = notes.prompt(choice) + reply.text if notes.echo else reply.text
    wanted = notes.logprobs is not None and reply.logprobs
    logprobs = _logprobs(reply.logprobs, 0, top=bool(notes.logprobs)) if wanted else None
    return CompletionChoice(index, text, _reason(reply.finish), logprobs)


def _reason(finish: Finish) -> Reason:
    """A completion has no calls to stop for."""
    return "stop" if finish.reason == "tool_calls" else finish.reason


def _logprobs(tokens: Sequence[TokenLogprob], offset: int, *, top: bool) -> CompletionLogprobs:
    """The lists of one run of tokens.

    Args:
        offset: How many characters of the text stand before it.
        top: Whether the likeliest others are wanted.
    """
    return CompletionLogprobs(
        tokens=[token.token for token in tokens],
        token_logprobs=[shown(token.logprob) for token in tokens],
        top_logprobs=[{other: shown(logprob) for other, logprob in token.top} for token in tokens] if top else None,
        text_offset=list(accumulate([len(token.token) for token in tokens[:-1]], initial=offset)),
    )


class Events:
    """The events of one streamed reply. Feed it what comes for each choice, then call ``end`` once, or ``error`` once."""

    __slots__ = ("_choices", "_close", "_head", "_notes", "_usage_close", "_wants_usage")

    def __init__(self, call: Call, created: int) -> None:
        head = {"id": completion_id(call), "object": "text_completion", "created": created, "model": call.alias}
        self._wants_usage = call.include_usage
        self._notes = notes_of(call)
        self._head = b"data: " + encode(head)[:-1] + b',"choices":['
        self._usage_close = b',"usage":null}\n\n' if call.include_usage else b"}\n\n"
        self._close = b',"logprobs":null,"finish_reason":null}]' + self._usage_close
        self._choices = [_Choice(self._head + b'{"index":%d,"text":' % index) for index in range(call.choices)]

    def events(self, choice: int, deltas: Sequence[Delta]) -> bytes:
        """Every event of one batch, joined for one send; empty when the batch has nothing to say to the caller.

        Args:
            choice: Which of the texts, counted from 0.
        """
        state = self._choices[choice]
        out = self._echo(choice, state)
        if self._notes.logprobs is not None:
            deltas = self._take_logprobs(state, deltas, out)
        for delta in deltas:
            match delta:
                case Text(text=text) if text:
                    out.append(state.opening + quoted(text) + self._close)
                case Finish():
                    # Held until the end: a family may still send text, or its usage, after its stop reason.
                    state.finish = delta
                case Usage():
                    state.usage = delta
        return b"".join(out)

    def end(self) -> bytes:
        """The last events of a reply that is complete: finish reasons, the usage chunk if it was asked for, ``[DONE]``.

        Should a choice have no finish reason after all, the reply is not complete: the last event is an error instead.
        """
        out: list[bytes] = []
        for state in self._choices:
            if state.finish is None:
                return self.error(MalformedReply("the reply has no finish reason"))
            finish = b'"","logprobs":null,"finish_reason":' + encode(_reason(state.finish)) + b"}]"
            out.append(state.opening + finish + self._usage_close)
        if self._wants_usage:
            usages = [state.usage for state in self._choices if state.usage is not None]
            out.append(usage_event(self._head, usages, reasoned=False))
        out.append(DONE)
        return b"".join(out)

    def error(self, error: Exception) -> bytes:
        """The last event of a reply that failed. Nothing may follow it: no finish reason, no ``[DONE]``."""
        return error_event(error)

    def _echo(self, choice: int, state: "_Choice") -> list[bytes]:
        """The prompt, before anything else of its text."""
        if not self._notes.echo or state.begun:
            return []
        state.begun = True
        return [state.opening + quoted(self._notes.prompt(choice)) + self._close]

    def _take_logprobs(self, state: "_Choice", deltas: Sequence[Delta], out: list[bytes]) -> list[Delta]:
        """Write the texts of a batch together with their log probabilities; return what is neither."""
        tokens, text, others = gathered(deltas)
        if tokens:
            logprobs = framed(encode(_logprobs(tokens, state.offset, top=bool(self._notes.logprobs))))
            state.offset += sum(len(token.token) for token in tokens)
            closing = b',"logprobs":' + logprobs + b',"finish_reason":null}]' + self._usage_close
            out.append(state.opening + quoted(text) + closing)
        return others


class _Choice:
    """What a stream has said of one text, and how each of its events begins."""

    __slots__ = ("begun", "finish", "offset", "opening", "usage")

    def __init__(self, opening: bytes) -> None:
        self.opening = opening
        self.begun = False
        self.offset = 0  # characters of the text that had log probabilities so far
        self.finish: Finish | None = None
        self.usage: Usage | None = None
