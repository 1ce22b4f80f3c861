"""The path of an embedding: texts to the models that make vectors of them, and every vector back in its place.

It stands beside ``completion`` and shares the attempts, the meter and the runtime with it. A model takes one text a call, or
some: the calls of one request run side by side, in so many lanes. The first error ends them all.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import NamedTuple

from adapters import EMBEDDERS
from adapters.deltas import Usage
from adapters.embedder import batches, fit
from adapters.embeddings import EmbeddingReply, EmbeddingRequest, Vector
from adapters.errors import RequestRefused
from gateway.call import Call
from gateway.completion import Path, Routes, admit, counted, invoke, merged
from gateway.errors import GatewayError, InvalidRequest, NoTargetAvailable
from gateway.registry.model import Route
from gateway.routing.attempts import Attempts
from gateway.usage import estimate
from gateway.usage.meter import NOTHING, Meter, summed

LANES = 8
"""Calls of one request at a time. At a tenth of a second each that is some 5,000 calls a minute, about what AWS allows an
account for such a model: one caller's long list shall be quick, but not leave the others nothing."""

Batch = tuple[int, list[EmbeddingReply]]
"""Always choice 0, and the whole reply."""


class Work(NamedTuple):
    """One call: which of the request's texts it holds, and how they are said."""

    place: int
    request: EmbeddingRequest
    body: bytes


class Tally:
    """What a request has taken so far, in all its calls and on every route.

    Attributes:
        paid: What was counted, also for routes that failed in the end.
        attempts: The most that a call needed on earlier routes.
        cold_seconds: By lane, how long it was held for a cold model.
    """

    def __init__(self) -> None:
        self.paid = NOTHING
        self.attempts = 0
        self.cold_seconds = [0.0] * LANES


def embed(call: Call, meter: Meter, path: Path) -> AsyncGenerator[Batch, None]:
    """Embed ``call.embedding``; yields once. Everything else is as ``completion.complete`` says.

    Raises:
        ModelNotFound, ModelNotAllowed: At once, before anything is asked.
        InvalidRequest: At once: the alias answers chats.
        RequestRefused: On the first step, when the model has no such vectors.
        GatewayError: On any step.
    """
    routes = admit(call, meter, path)
    if routes[0].targets[0].family not in EMBEDDERS:
        raise InvalidRequest(
            f'The model "{call.alias}" answers chats and makes no embeddings: ask /v1/chat/completions', parameter="model"
        )
    return answer(call, routes, meter, path)


async def answer(call: Call, routes: Routes, meter: Meter, path: Path) -> AsyncGenerator[Batch, None]:
    """All vectors from the route, or else all from its first fallback that can: vectors of two models do not go together."""
    tally = Tally()
    failure: GatewayError | None = None
    for route in routes:
        try:
            reply = await Fan(call, route, tally, meter, path).whole()
        except RequestRefused:
            if failure is None:
                raise
            continue  # a stand-in that has no such vectors; the request was good
        except GatewayError as error:
            if not error.retryable or path.now() >= call.deadline:
                raise
            failure, tally.attempts = error, call.trail.attempts
            continue
        yield 0, [reply]
        return
    raise failure or NoTargetAvailable("No target of this model can be asked now")


class Fan:
    """The calls of one request on one route: opened into lanes, folded into one reply.

    Raises:
        RequestRefused: The route's model cannot honour the request.
    """

    def __init__(self, call: Call, route: Route, tally: Tally, meter: Meter, path: Path) -> None:
        assert call.embedding is not None, "only embeddings take this path"
        began = path.now()
        self._call, self._route, self._tally, self._meter, self._path = call, route, tally, meter, path
        self._embedder = EMBEDDERS[route.targets[0].family]  # all targets of a route have the same: registry/spaces.py
        request, dropped = fit(call.embedding, self._embedder, defaults=route.defaults, ignorable=route.ignore_parameters)
        self._works = [
            Work(place, each, self._embedder.encode(each)) for place, each in enumerate(batches(request, self._embedder.texts))
        ]
        call.trail.ignored = (*dropped, *call.embedding.advisory)
        call.trail.translate_seconds = path.now() - began

    async def whole(self) -> EmbeddingReply:
        """Every text's vector, in order, and the usage of all calls."""
        todo = iter(self._works)
        lanes = [self._lane(number, todo) for number in range(min(LANES, len(self._works)))]
        async with aclosing(merged(lanes)) as replies:
            found = {place: reply async for place, reply in replies}
        vectors: list[Vector] = []
        usage = NOTHING
        for work in self._works:
            reply = found[work.place]
            vectors += reply.vectors
            usage = summed(usage, reply.usage or NOTHING)
        return EmbeddingReply(vectors, usage)

    async def _lane(self, number: int, todo: Iterator[Work]) -> AsyncGenerator[tuple[int, EmbeddingReply], None]:
        """One call after the other, as long as there are any that no lane has taken."""
        for work in todo:
            yield work.place, await self._ask(number, work)

    async def _ask(self, number: int, work: Work) -> EmbeddingReply:
        """One call: attempts over the route's targets, until one has answered."""
        call, path, tally = self._call, self._path, self._tally
        attempts = Attempts((self._route,), deadline=call.deadline, now=path.now, sleep=path.sleep, random=path.random)
        held_before = tally.cold_seconds[number]
        async for attempt in attempts:
            tally.cold_seconds[number] = held_before + attempts.cold_start_seconds
            call.trail.cold_start_seconds = max(tally.cold_seconds)
            with attempt, self._meter.attempt(number, attempt.target, tally.attempts + attempt.number) as watch:
                async with invoke(call, attempt, work.body, path.bedrock) as exchange:
                    watch.exchange = exchange
                    (body,) = await anext(exchange)  # a whole reply is one chunk
                reply = self._embedder.decode(body, work.request)
                usage = counted(exchange) or reply.usage or estimated(work.request)
                tally.paid = summed(tally.paid, usage)
                self._meter.observe(0, [tally.paid])
                return EmbeddingReply(reply.vectors, usage)
        raise AssertionError("attempts end in an answer or in an error")


def estimated(request: EmbeddingRequest) -> Usage:
    """What a call may have taken, when nobody says."""
    return Usage(sum(estimate.tokens_of(len(text)) for text in request.texts), 0, source="estimate")
