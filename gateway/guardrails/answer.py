"""An answer on its way through a guardrail: held in pieces, and each piece checked before it leaves.

What is whole is checked as a whole. A stream is held until there is enough of it, cut where a sentence ends, and checked
piece by piece, in order. Calls of tools are held until they are whole.
"""

from collections.abc import Sequence
from typing import Self

from adapters.chat import ChatRequest
from adapters.deltas import Delta, Finish, Reasoning, ReasoningSignature, Text, ToolCallArguments, ToolCallStart, Usage
from adapters.family import Reader
from gateway.bedrock.runtime import Exchange
from gateway.guardrails.content import boundary
from gateway.guardrails.guard import INTERVENED, Guard
from gateway.usage import estimate

_Told = type[Text] | type[Reasoning] | type[ToolCallArguments]


class Run:
    """Neighbouring deltas of one kind, or one that says nothing.

    Attributes:
        key: What makes another delta a part of it: its type, and of a call's arguments which call's.
        text: What a guardrail has to see.
        delta: The one that says nothing.
    """

    __slots__ = ("delta", "key", "text")

    def __init__(self, key: tuple[_Told, int] | None, text: str = "", delta: Delta | None = None) -> None:
        self.key = key
        self.text = text
        self.delta = delta

    def told(self, text: str) -> list[Delta]:
        """Its deltas, as they may leave."""
        if self.key is None:
            return [self.delta] if self.delta is not None else []
        if not text:
            return []
        kind, index = self.key
        if kind is ToolCallArguments:
            return [ToolCallArguments(index, text)]
        return [Reasoning(text) if kind is Reasoning else Text(text)]


class GuardedAnswer:
    """An exchange and its reader as one: ``async for`` steps to what may leave, ``read`` hands it out.

    A stand-in for both in the loop over an attempt's reply, which therefore costs nobody else anything.

    Attributes:
        cut: As a reader's; also once something was blocked.
    """

    def __init__(self, guard: Guard, exchange: Exchange, reader: Reader, *, asked: ChatRequest, stream: bool) -> None:
        self.cut = False
        self._guard = guard
        self._exchange = exchange
        self._reader = reader
        self._asked = asked
        self._most = guard.guardrail.stream_characters if stream else None
        self._held: list[Run] = []
        self._ready: list[Delta] = []
        self._usage: Usage | None = None
        self._characters = 0
        self._masked = False
        self._ended = False

    @property
    def waited_seconds(self) -> float:
        """Waited on Bedrock: for the model and for the guardrail."""
        return self._exchange.waited_seconds + self._guard.waited_seconds

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[bytes]:
        """Wait until something may leave.

        Raises:
            GatewayError, MalformedReply: The model's, or GuardrailFailed.
        """
        while not self._ended:
            try:
                chunks = await anext(self._exchange)
            except StopAsyncIteration:
                self._ended = True
                deltas = self._reader.end()
            else:
                deltas = [delta for chunk in chunks for delta in self._reader.read(chunk)]
                self._ended = self._reader.cut
            self._ready = await self._checked(deltas)
            self.cut = self.cut or self._reader.cut
            if self._ready:
                return [b""]
        raise StopAsyncIteration

    def read(self, _step: bytes) -> list[Delta]:
        """What the last step brought."""
        return self._ready

    def end(self) -> list[Delta]:
        """Nothing is left: the last step brought it."""
        return []

    async def _checked(self, deltas: Sequence[Delta]) -> list[Delta]:
        """What may leave of all that came."""
        out: list[Delta] = []
        for place, delta in enumerate(deltas):
            if isinstance(delta, Finish):
                if (refusal := await self._release(out, final=True)) is not None:
                    return self._refused(refusal, deltas[place:])
                out.append(Finish("content_filter", INTERVENED) if self._masked else delta)
            else:
                self._hold(delta)
        final = self._ended or any(isinstance(delta, Finish) for delta in out)
        due = final or (self._most is not None and self._waiting() >= self._most)
        if due and (refusal := await self._release(out, final=final)) is not None:
            return self._refused(refusal, deltas)
        return out

    def _hold(self, delta: Delta) -> None:
        key: tuple[_Told, int] | None = None
        text = ""
        match delta:
            case Text() | Reasoning():
                key, text = (type(delta), 0), delta.text
            case ToolCallArguments():
                key, text = (ToolCallArguments, delta.index), delta.arguments
            case Usage():
                self._usage = delta
        self._characters += len(text)
        same = (
            next((run for run in reversed(self._held) if run.key == key), None) if key and key[0] is ToolCallArguments else None
        )
        if key is not None and same is None and self._held and self._held[-1].key == key:
            same = self._held[-1]
        if same is not None:
            same.text += text
        else:
            self._held.append(Run(key, text, delta))

    def _waiting(self) -> int:
        """How many characters could be checked now: those before the first call of a tool."""
        return sum(len(run.text) for run in self._held[: self._whole()])

    def _whole(self) -> int:
        """How many of the held runs are no part of a call."""
        calls = (place for place, run in enumerate(self._held) if isinstance(run.delta, ToolCallStart | ToolCallArguments))
        return next(calls, len(self._held))

    async def _release(self, out: list[Delta], *, final: bool) -> str | None:
        """Check what is held, as far as it may leave, and append it to ``out``; or say what stands in its place."""
        runs = self._held if final else self._held[: self._whole()]
        left = self._held[len(runs) :]
        if not final and runs and not left and runs[-1].text:
            last = runs[-1]
            end = boundary(last.text)
            runs = [*runs[:-1], Run(last.key, last.text[:end], last.delta)]
            left = [Run(last.key, last.text[end:], last.delta)] if last.text[end:] else []
        self._held = left
        if not runs:
            return None
        verdict = await self._guard.verdict("output", [run.text for run in runs])
        if verdict.refusal is not None:
            return verdict.refusal
        self._masked = self._masked or verdict.masked
        for run, text in zip(runs, verdict.texts, strict=True):
            if not (verdict.masked and isinstance(run.delta, ReasoningSignature)):  # a seal over what is no longer said
                out += run.told(text)
        return None

    def _refused(self, refusal: str, rest: Sequence[Delta]) -> list[Delta]:
        """The guardrail's words, an end, and what was used: by the model's own count if it has come."""
        self.cut = self._ended = True
        counted = next((delta for delta in rest if isinstance(delta, Usage)), self._usage)
        used = counted or Usage(estimate.prompt_tokens(self._asked), estimate.tokens_of(self._characters), source="estimate")
        return [Text(refusal), Finish("content_filter", INTERVENED), used]
