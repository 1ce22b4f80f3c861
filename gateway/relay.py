"""The path of a native body: to a target that speaks its language as it came, and the reply back byte for byte.

It stands beside ``completion`` and shares the attempts, the meter and the runtime with it. What passes is read along, for
the meter and to tell a whole reply from a cut one; whatever cannot be read is handed on all the same.
"""

from collections.abc import AsyncGenerator, Sequence

import msgspec
from msgspec.structs import replace

from adapters import EMBEDDERS, FAMILIES
from adapters.chat import ChatRequest
from adapters.deltas import Delta, Finish, Text
from adapters.errors import MalformedReply
from adapters.family import Family
from adapters.pieces import INTERVENED, Envelope, metered
from gateway.bedrock.recording import Recorder
from gateway.bedrock.runtime import Exchange
from gateway.call import Call
from gateway.completion import Path, Routes, admit, counted, invoke
from gateway.errors import InvalidRequest
from gateway.guardrails.inline import TAKES, refuse_another
from gateway.registry.model import Route
from gateway.routing.attempts import Attempts
from gateway.usage.meter import Meter

Batch = tuple[int, list[bytes]]
"""Always choice 0, and the next bytes of its reply: a whole body, or whole frames."""

KEPT = b"x-amzn-bedrock-"  # what a reply's headers must begin with to be kept, ``content-type`` aside

_NOTHING = ChatRequest(messages=())  # what a body asks is not read
_envelope = msgspec.json.Decoder(Envelope)


def relay(call: Call, meter: Meter, path: Path) -> AsyncGenerator[Batch, None]:
    """Hand on ``call.body``, and yield what comes back. Everything else is as ``completion.complete`` says.

    The upstream's own headers are in ``call.trail.passed_on`` before the first bytes. A stream that was damaged or cut
    short ends in an error, after the frames that came whole.

    Raises:
        ModelNotFound, ModelNotAllowed: At once, before anything is asked.
        InvalidRequest: At once, where the alias has a guardrail that the body could get around.
        GatewayError: On any step.
    """
    return passed_on(call, guarded(call, one_family(admit(call, meter, path))), meter, path)


async def passed_on(call: Call, routes: Routes, meter: Meter, path: Path) -> AsyncGenerator[Batch, None]:
    """Attempts over the routes until one has answered."""
    attempts = Attempts(routes, deadline=call.deadline, now=path.now, sleep=path.sleep, random=path.random)
    async for attempt in attempts:
        call.trail.cold_start_seconds = attempts.cold_start_seconds
        with attempt, meter.attempt(0, attempt.target, attempt.number) as watch:
            recorder = Recorder()
            async with invoke(call, attempt, call.body, path.bedrock, decoder=recorder) as exchange:
                watch.exchange = exchange
                along = Along(attempt.target.family, exchange)
                async for chunks in exchange:
                    meter.observe(0, along.read(chunks))
                    attempt.commit()
                    call.trail.passed_on = _kept(exchange)
                    yield 0, [recorder.take()] if call.stream else chunks
                meter.observe(0, along.end())
                if rest := recorder.take():  # events that are no chunks, after the last
                    yield 0, [rest]
            if (usage := meter.estimated_usage(0)) is not None:
                meter.observe(0, [usage])


def one_family(routes: Routes) -> Routes:
    """The routes without the targets that would not understand the body.

    A native body is its family's: that of the alias's first target. Fallbacks to another family are no help to it.
    """
    family = routes[0].targets[0].family
    if all(target.family == family for route in routes for target in route.targets):
        return routes
    kept = [(route, tuple(target for target in route.targets if target.family == family)) for route in routes]
    return tuple(replace(route, targets=targets) for route, targets in kept if targets)


def guarded(call: Call, routes: Routes) -> Routes:
    """The routes without the targets whose guardrail would have to read the body: what is handed on is not understood.

    Raises:
        InvalidRequest: None is left, or the call says something of guardrails itself.
    """
    if all(route.guardrail is None for route in routes):
        return routes
    kept: list[Route] = []
    for route in routes:
        targets = route.targets
        if route.guardrail is not None:
            refuse_another(route.guardrail, call.body, call.headers)
            targets = tuple(target for target in targets if TAKES[target.kind])
        if targets:
            kept.append(replace(route, targets=targets))
    if not kept:
        raise InvalidRequest("The guardrail of this model cannot read native bodies: ask it by Converse, or below /v1")
    return tuple(kept)


class Along:
    """Reads along what is handed on, for the meter, and knows whether all of it came.

    Args:
        name: Of the family. Where it speaks ``converse``, or embeds, only what Bedrock itself adds to every reply is read.
    """

    def __init__(self, name: str, exchange: Exchange) -> None:
        family = FAMILIES.get(name)
        self._family: Family | None = family if family is not None and family.operation == "invoke" else None
        self._embeds = name in EMBEDDERS
        self._exchange = exchange
        self._reader = self._family.reader(_NOTHING) if self._family is not None and exchange.stream else None
        self._ended = not exchange.stream  # a body is complete by being a body

    def read(self, chunks: Sequence[bytes]) -> list[Delta]:
        """What the chunks say, as far as it is understood."""
        return [delta for chunk in chunks for delta in self._read(chunk)]

    def end(self) -> list[Delta]:
        """The upstream closed cleanly.

        Raises:
            MalformedReply: And yet the reply is not whole.
        """
        if self._reader is not None:
            return self._reader.end()
        if not self._ended:
            raise MalformedReply("the stream ended without a word of its end")
        return []

    def _read(self, chunk: bytes) -> list[Delta]:
        try:
            if self._reader is not None:
                return self._reader.read(chunk)
            if self._family is not None and not self._exchange.stream:
                return self._family.decode(chunk, _NOTHING, counted(self._exchange))
        except MalformedReply:
            self._reader = None  # it says something newer than we are
        return self._read_envelope(chunk)

    def _read_envelope(self, chunk: bytes) -> list[Delta]:
        try:
            envelope = _envelope.decode(chunk)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            envelope = Envelope()
        self._ended = self._ended or envelope.metrics is not None or envelope.guardrail == INTERVENED
        usage = metered(envelope.metrics) or counted(self._exchange)
        told: list[Delta] = [] if usage is None else [usage]
        if usage is None and not self._embeds:  # of a vector the length says nothing
            told.append(Text(chunk.decode("latin-1")))  # for its length, as a last resort
        return [*told, Finish("content_filter", INTERVENED)] if envelope.guardrail == INTERVENED else told


def _kept(exchange: Exchange) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(
        (name, value) for name, value in exchange.reply_headers.items() if name == b"content-type" or name.startswith(KEPT)
    )
