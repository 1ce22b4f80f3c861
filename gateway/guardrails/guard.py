"""A guardrail around the calls of one choice: what is asked is checked before, what is answered before it leaves.

For targets that take no guardrail inside the call. Everything goes through ``ApplyGuardrail``; when that fails, so does the
request: nothing unchecked goes to the model or to the caller.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct

from adapters.chat import ChatRequest
from adapters.deltas import Delta, Finish, Text, Usage
from gateway.bedrock.runtime import Exchange, Runtime
from gateway.call import Call, Checked
from gateway.errors import DeadlineExceeded, GatewayError, GuardrailFailed, UpstreamRefused, UpstreamTimeout
from gateway.guardrails.content import (
    IMAGE_FORMATS,
    batches,
    images,
    refuse_unseen,
    rewritten,
    sliced,
    texts,
)
from gateway.guardrails.inline import TAKES
from gateway.registry.model import Guardrail, Target, Timeouts
from gateway.routing.attempts import Attempt
from gateway.usage.meter import Meter

Source = Literal["input", "output"]
INTERVENED = "guardrail_intervened"
"""The native word of an answer that a guardrail has changed or replaced: Converse's."""

ATTEMPTS = 3
FIRST_DELAY_SECONDS = 0.2  # doubles; AWS's own throttle for guardrails refills by the second
_FAILED = "The guardrail of this model could not be applied, and nothing goes past it"


class Verdict(NamedTuple):
    """What a guardrail says of some texts.

    Attributes:
        texts: The same, as they may go on.
        refusal: What to say instead of anything, when something was blocked.
        masked: Whether ``texts`` differ.
    """

    texts: Sequence[str]
    refusal: str | None = None
    masked: bool = False


class _Output(Struct):
    text: str = ""


class _Judgement(Struct):
    """The reply of ``ApplyGuardrail``, as far as it is needed. ``action`` has no default: without one it is no reply."""

    action: str
    outputs: list[_Output] = []
    assessments: list[Any] = []


_judgement = msgspec.json.Decoder(_Judgement)


def guard(call: Call, attempt: Attempt, meter: Meter, bedrock: Runtime) -> "Guard | None":
    """What this attempt is guarded by from outside; ``None`` when the target's own call says it."""
    guardrail = attempt.route.guardrail
    if guardrail is None or TAKES[attempt.target.kind]:
        return None
    return Guard(call, guardrail, attempt.target, attempt.route.timeouts, meter, bedrock)


class Guard:
    """The guardrail around one attempt."""

    def __init__(  # noqa: PLR0917 - what an attempt has, by position as ``guard`` gives it
        self, call: Call, guardrail: Guardrail, target: Target, timeouts: Timeouts, meter: Meter, bedrock: Runtime
    ) -> None:
        self.guardrail = guardrail
        self.waited_seconds = 0.0
        self._call = call
        self._target = target
        self._timeouts = timeouts
        self._meter = meter
        self._bedrock = bedrock

    async def admitted(self, asked: ChatRequest) -> ChatRequest | list[Delta]:
        """The request as it may go to the model, or the answer that it gets instead.

        Choices that ask the same, and attempts at a model that is still cold, are checked once.

        Raises:
            InvalidRequest: It holds what the guardrail cannot look at.
            GuardrailFailed: It could not be checked.
        """
        checked = self._call.trail.checked
        if checked is None:
            checked = self._call.trail.checked = Checked()
        key = (self.guardrail, self._target.region, id(asked))
        async with checked.lock:
            if key not in checked.requests:
                checked.requests[key] = await self._admitted(asked)
        return checked.requests[key]

    async def _admitted(self, asked: ChatRequest) -> ChatRequest | list[Delta]:
        refuse_unseen(asked)
        pictures = [
            {"image": {"format": IMAGE_FORMATS[image.media_type], "source": {"bytes": image.data}}} for image in images(asked)
        ]
        verdict = await self.verdict("input", texts(asked), pictures)
        if verdict.refusal is not None:
            return [Text(verdict.refusal), Finish("content_filter", INTERVENED), Usage(0, 0)]
        return rewritten(asked, verdict.texts) if verdict.masked else asked

    async def verdict(self, source: Source, said: Sequence[str], pictures: Sequence[Any] = ()) -> Verdict:
        """Have texts judged, in as many calls as their length needs.

        Raises:
            GuardrailFailed: They could not be.
        """
        slices = [sliced(text) if text.strip() else [] for text in said]
        told: list[str] = []
        masked = False
        for pictured in pictures:
            if (verdict := await self._judged(source, [], [pictured])).refusal is not None:
                return self._noted(source, verdict)
        for batch in batches([piece for pieces in slices for piece in pieces]):
            verdict = await self._judged(source, batch)
            if verdict.refusal is not None:
                return self._noted(source, verdict)
            masked = masked or verdict.masked
            told += verdict.texts
        left = iter(told)
        joined = ["".join([next(left) for _ in pieces]) if pieces else text for pieces, text in zip(slices, said, strict=True)]
        return self._noted(source, Verdict(joined, masked=masked))

    def _noted(self, source: Source, verdict: Verdict) -> Verdict:
        if verdict.refusal is not None or verdict.masked:
            self._meter.intervened(source)
        return verdict

    async def _judged(self, source: Source, batch: Sequence[str], pictures: Sequence[Any] = ()) -> Verdict:
        content = [{"text": {"text": text}} for text in batch]
        body = msgspec.json.encode({"source": source.upper(), "content": [*content, *pictures]})
        judgement = await self._applied(body)
        if judgement.action == "NONE":
            return Verdict(batch)
        told = [output.text for output in judgement.outputs]
        if _is_blocked(judgement):
            return Verdict((), refusal=told[0] if told else "")
        if len(batch) == 1:
            return Verdict(["".join(told)], masked=True)
        if len(told) == len(batch):  # one for each, in their order: so everybody reads it, and AWS does not say
            return Verdict(told, masked=True)
        verdicts = [await self._judged(source, [text]) for text in batch]
        refusal = next((verdict.refusal for verdict in verdicts if verdict.refusal is not None), None)
        return Verdict([text for verdict in verdicts for text in verdict.texts], refusal, masked=True)

    async def _applied(self, body: bytes) -> _Judgement:
        """One judgement; what may pass is tried again."""
        attempt = 1
        while True:
            try:
                return await self._ask(body)
            except DeadlineExceeded as error:
                if not isinstance(error, UpstreamTimeout):
                    raise
                raise GuardrailFailed(_FAILED, detail=error.detail) from error
            except GatewayError as error:
                if attempt == ATTEMPTS or not error.retryable or isinstance(error, UpstreamRefused):
                    raise GuardrailFailed(_FAILED, detail=f"ApplyGuardrail: {error.detail or error}") from error
            await asyncio.sleep(FIRST_DELAY_SECONDS * 2 ** (attempt - 1))
            attempt += 1

    async def _ask(self, body: bytes) -> _Judgement:
        exchange = self._exchange(body)
        try:
            async with exchange:
                (reply,) = [chunk async for chunks in exchange for chunk in chunks]
        finally:
            self.waited_seconds += exchange.waited_seconds
        try:
            return _judgement.decode(reply)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise GuardrailFailed(_FAILED, detail=f"ApplyGuardrail: {error}") from error

    def _exchange(self, body: bytes) -> Exchange:
        target, timeouts = self._target, self._timeouts
        return self._bedrock.invoke(
            f"{self.guardrail.id}:{self.guardrail.version}",
            body,
            region=target.region,
            role_arn=target.role_arn,
            stream=False,
            operation="apply-guardrail",
            connect_seconds=timeouts.connect_seconds,
            first_byte_seconds=timeouts.between_bytes_seconds,
            between_bytes_seconds=timeouts.between_bytes_seconds,
            deadline=self._call.deadline,
        )


def _is_blocked(judgement: _Judgement) -> bool:
    """Whether an intervention is more than masking: only where every policy that acted has masked is the text to go on."""
    actions = set(_actions(judgement.assessments))
    return "ANONYMIZED" not in actions or bool(actions - {"ANONYMIZED", "NONE"}) or not judgement.outputs


def _actions(assessment: Any) -> list[str]:
    """Every ``action`` in an assessment, at whatever depth: policies are added to it over time."""
    if isinstance(assessment, list):
        return [action for entry in assessment for action in _actions(entry)]
    if not isinstance(assessment, dict):
        return []
    own = assessment.get("action")
    below = [action for entry in assessment.values() for action in _actions(entry)]
    return [own, *below] if isinstance(own, str) else below
