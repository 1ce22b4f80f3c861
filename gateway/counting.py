"""The path of a count: the tokens of a prompt as a target would be sent it. Nobody is asked: AWS counts for base models only.

It stands beside ``completion``: the same target is picked in the same way, and what that target's family would refuse of the
request is refused here, too.
"""

from collections.abc import AsyncGenerator

from gateway.call import Call
from gateway.completion import Path, Routes, admit
from gateway.routing.attempts import Attempts
from gateway.templating.model import Count
from gateway.translation import fitted
from gateway.usage.meter import Meter

Batch = tuple[int, list[Count]]
"""Always choice 0, and its count."""


def count(call: Call, meter: Meter, path: Path) -> AsyncGenerator[Batch, None]:
    """Yield the count, once.

    Raises:
        ModelNotFound, ModelNotAllowed: At once.
        RequestRefused: On the first step, when the target's family cannot say what the caller wants.
        GatewayError: On the first step, when the model's own template or tokenizer fails.
    """
    return counted(call, admit(call, meter, path), path)


async def counted(call: Call, routes: Routes, path: Path) -> AsyncGenerator[Batch, None]:
    """The count for the target that would be asked first."""
    attempts = Attempts(routes, deadline=call.deadline, now=path.now, sleep=path.sleep, random=path.random)
    async for attempt in attempts:
        with attempt:
            request = fitted(call.request, attempt.route, attempt.target).request
            yield 0, [await path.templates.count(attempt.target, request)]
