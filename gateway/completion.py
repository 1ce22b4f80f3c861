"""The path of a chat request, straight through. Read this first.

    surface/guard (who) → surface/parse (what) → resolve → attempts → fit, encode → invoke → read → meter → surface/render

Everything the caller will see passes here as deltas, in batches: the frames that reached us in one read leave in one
write, which is worth several times the rest of a stream's cost, and neighbouring texts among them as one. A whole reply is
a single batch.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import NamedTuple, TypeVar

from adapters.chat import ChatRequest
from adapters.deltas import Delta, Usage, joined
from adapters.errors import MalformedReply
from adapters.family import Family, Operation
from gateway.bedrock.runtime import Exchange, FrameDecoder, Runtime
from gateway.call import Call
from gateway.guardrails.answer import GuardedAnswer
from gateway.guardrails.guard import guard
from gateway.guardrails.inline import TAKES, said
from gateway.registry.live import Live
from gateway.registry.model import Route
from gateway.routing.attempts import Attempt, Attempts
from gateway.templating.templates import Templates
from gateway.translation import fitted
from gateway.usage.meter import Meter

Batch = tuple[int, list[Delta]]
"""Which of the caller's ``n`` choices, counted from 0, and what came for it."""


Item = TypeVar("Item")

Routes = tuple[Route, ...]
"""The route that was asked for, then its fallbacks."""


class Path(NamedTuple):
    """The rooms that a request passes through, and the clock and dice they use."""

    registry: Live
    bedrock: Runtime
    templates: Templates = Templates()
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random


def complete(call: Call, meter: Meter, path: Path) -> AsyncGenerator[Batch, None]:
    """Answer one chat request, batch by batch.

    Until the first batch another target may be tried; after it, an error ends the reply. Whoever iterates must close the
    generator (``aclosing``): that closes the upstream's socket at once, also when the caller has gone.

    Raises:
        ModelNotFound, ModelNotAllowed: At once, before anything is asked.
        RequestRefused: On the first step, when no body of the target's family can say what the caller wants.
        GatewayError: On any step.
    """
    routes = admit(call, meter, path)
    if call.choices == 1:
        return answer(0, call, routes, meter, path)
    return merged([answer(choice, call, routes, meter, path) for choice in range(call.choices)])


def admit(call: Call, meter: Meter, path: Path) -> Routes:
    """Find out who may answer, and let the request's time run.

    Raises:
        ModelNotFound, ModelNotAllowed: Nobody.
    """
    routes = path.registry.resolve(call.alias, call.key)
    meter.routed(routes[0])
    call.deadline = call.received_at + routes[0].timeouts.total_seconds
    return routes


async def answer(choice: int, call: Call, routes: Routes, meter: Meter, path: Path) -> AsyncGenerator[Batch, None]:
    """One choice: attempts over the route's targets, then its fallbacks', until one has answered."""
    attempts = Attempts(routes, deadline=call.deadline, now=path.now, sleep=path.sleep, random=path.random)
    async for attempt in attempts:
        call.trail.cold_start_seconds = attempts.cold_start_seconds
        with attempt, meter.attempt(choice, attempt.target, attempt.number) as watch:
            asked, guarding = call.asked(choice), None
            if attempt.route.guardrail is not None and (guarding := guard(call, attempt, meter, path.bedrock)) is not None:
                watch.exchange = guarding
                admitted = await guarding.admitted(asked)
                if isinstance(admitted, list):  # the guardrail's answer instead of the model's, which is not asked
                    attempt.commit()
                    meter.observe(choice, admitted)
                    yield choice, admitted
                    return
                asked = admitted
            family, request, body = (
                translate(call, asked, attempt, path.now)
                if attempt.target.chat_template is None
                else await translate_by_template(call, asked, attempt, path)
            )
            async with invoke(call, attempt, body, path.bedrock, operation=family.operation) as exchange:
                watch.exchange = exchange
                reader = family.reader(request) if call.stream else Whole(family, request, exchange)
                replies: AsyncIterator[list[bytes]] = exchange
                if guarding is not None:
                    watch.exchange = replies = reader = GuardedAnswer(guarding, exchange, reader, asked=asked, stream=call.stream)
                async for chunks in replies:
                    if deltas := joined([delta for chunk in chunks for delta in reader.read(chunk)]):
                        attempt.commit()
                        meter.observe(choice, deltas)
                        yield choice, deltas
                    if reader.cut:
                        break
                else:
                    if deltas := reader.end():
                        attempt.commit()
                        meter.observe(choice, deltas)
                        yield choice, deltas
            if (usage := meter.estimated_usage(choice)) is not None:
                usage = await recounted(usage, request, attempt, path)
                meter.observe(choice, [usage])
                yield choice, [usage]
            return  # answered


def translate(call: Call, asked: ChatRequest, attempt: Attempt, now: Callable[[], float]) -> tuple[Family, ChatRequest, bytes]:
    """The family of this attempt's target, the request as that family can honour it, and its native body."""
    began = now()
    family, request, call.trail.ignored = fitted(asked, attempt.route, attempt.target)
    body = family.encode(request, call.stream)
    call.trail.translate_seconds = now() - began
    return family, request, body


async def translate_by_template(
    call: Call, asked: ChatRequest, attempt: Attempt, path: Path
) -> tuple[Family, ChatRequest, bytes]:
    """The same, for a target whose model may have a chat template of its own: where it has, that one writes the prompt."""
    began = path.now()
    family, request, call.trail.ignored = fitted(asked, attempt.route, attempt.target)
    request, sha256 = await path.templates.applied(attempt.target, family, request)
    if sha256 is not None:
        call.trail.templates = {**(call.trail.templates or {}), attempt.target.name: sha256}
    body = family.encode(request, call.stream)
    call.trail.translate_seconds = path.now() - began
    return family, request, body


async def recounted(usage: Usage, request: ChatRequest, attempt: Attempt, path: Path) -> Usage:
    """An estimated usage, counted by the tokenizer that the model brought with it, if it did."""
    if attempt.target.chat_template is None:
        return usage
    return await path.templates.recounted(attempt.target, request, usage)


def invoke(
    call: Call,
    attempt: Attempt,
    body: bytes,
    bedrock: Runtime,
    *,
    operation: Operation = "invoke",
    decoder: FrameDecoder | None = None,
) -> Exchange:
    """The exchange with this attempt's target, under the times its route allows; ``decoder`` may keep the frames' bytes."""
    target, timeouts, headers = attempt.target, attempt.route.timeouts, call.headers
    if (guardrail := attempt.route.guardrail) is not None and TAKES[target.kind]:
        body, headers = said(guardrail, body, headers, operation=operation, stream=call.stream)
    return bedrock.invoke(
        target.arn,
        body,
        region=target.region,
        role_arn=target.role_arn,
        stream=call.stream,
        operation=operation,
        headers=headers,
        decoder=decoder,
        connect_seconds=timeouts.connect_seconds,
        first_byte_seconds=timeouts.first_token_seconds,
        between_bytes_seconds=timeouts.between_bytes_seconds,
        deadline=call.deadline,
    )


class Whole:
    """Reads a whole reply as if it were a stream of one chunk, after which nothing is waited for."""

    cut = True

    def __init__(self, family: Family, request: ChatRequest, exchange: Exchange) -> None:
        self._family = family
        self._request = request
        self._exchange = exchange

    def read(self, chunk: bytes) -> list[Delta]:
        """The whole native body, with the token counts that AWS put into the headers."""
        return self._family.decode(chunk, self._request, counted(self._exchange))

    def end(self) -> list[Delta]:
        """Never reached with a body read: an exchange without one is an error of its own."""
        raise MalformedReply("the reply has no body")


def counted(exchange: Exchange) -> Usage | None:
    """The token counts that AWS put into the headers of a whole reply, if it did."""
    counts = exchange.counts
    return counts and Usage(
        input_tokens=counts.input + counts.cache_read + counts.cache_write,
        output_tokens=counts.output,
        cache_read_tokens=counts.cache_read,
        cache_write_tokens=counts.cache_write,
        source="headers",
    )


async def merged(choices: Sequence[AsyncGenerator[Item, None]]) -> AsyncGenerator[Item, None]:
    """Several choices at once, as their batches come. The first error ends them all."""
    queue: asyncio.Queue[Item | BaseException | None] = asyncio.Queue(maxsize=2 * len(choices))

    async def pump(batches: AsyncGenerator[Item, None]) -> None:
        try:
            async with aclosing(batches):
                async for batch in batches:
                    await queue.put(batch)
            await queue.put(None)
        except Exception as error:  # noqa: BLE001 - handed to the reader of the queue, which raises it
            await queue.put(error)

    pumps = [asyncio.create_task(pump(batches)) for batches in choices]
    try:
        running = len(pumps)
        while running:
            item = await queue.get()
            if item is None:
                running -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                yield item
    finally:
        for task in pumps:
            task.cancel()
        # A caller's leaving is thrown once (surface/leaving.py), not again at every await: this one runs.
        await asyncio.gather(*pumps, return_exceptions=True)
