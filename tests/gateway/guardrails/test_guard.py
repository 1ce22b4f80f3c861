"""What ``ApplyGuardrail`` may answer, and what becomes of it: in doubt, nothing passes."""

import io
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.chat import ChatRequest, Message, Text
from gateway.bedrock.client import Client
from gateway.bedrock.credentials import CredentialSource
from gateway.bedrock.runtime import Runtime
from gateway.call import Call
from gateway.errors import GuardrailFailed
from gateway.guardrails.guard import Guard, Verdict
from gateway.keys.model import Key
from gateway.registry.model import Guardrail, Target, Timeouts
from gateway.usage.logs import Log
from gateway.usage.meter import Meter
from gateway.usage.metrics import Metrics
from tests.gateway.bedrock.asking import KEYS
from tests.gateway.bedrock.upstream import Upstream, Visit, serve, whole

ARN = "arn:aws:bedrock:us-west-2:123456789012:guardrail/gr0a1b2c3d4e"
TARGET = Target(
    "t", "arn:aws:bedrock:us-west-2:123456789012:imported-model/0a1b2c3d4e5f", "us-west-2", "imported-model", "llama3"
)
ASKED = ChatRequest(messages=(Message("user", (Text("one"), Text("two"))),))

Judge = Callable[[dict[str, Any]], Any]


@asynccontextmanager
async def guarded_by(judge: Judge) -> AsyncIterator[tuple[Guard, Upstream]]:
    """A guard, and a service that says what ``judge`` does of each body."""

    async def answer(visit: Visit) -> None:
        said = judge(json.loads(visit.body))
        await visit.send(whole(said if isinstance(said, bytes) else json.dumps(said).encode()))

    log = Log(io.BytesIO())
    async with serve(answer) as service:
        urls = {"bedrock-runtime": f"http://127.0.0.1:{service.port}"}
        runtime = Runtime(Client(), CredentialSource(keys=KEYS, environment={}), endpoint_urls=urls)
        call = Call("id", Key(id="k", name="k", owner="", hash=""), "alias", ASKED, time.monotonic())
        meter = Meter(Metrics(), log, "id", time.monotonic())
        yield Guard(call, Guardrail(ARN, "3"), TARGET, Timeouts(), meter, runtime), service
        await runtime.aclose()
    log.close()


def reply(action: str, outputs: list[str], *actions: str) -> dict[str, Any]:
    entities = [{"type": "EMAIL", "match": "x", "action": action} for action in actions]
    return {
        "action": action,
        "outputs": [{"text": text} for text in outputs],
        "assessments": [{"sensitiveInformationPolicy": {"piiEntities": entities}}],
        "usage": {},
    }


VERDICTS = {
    "nothing": (reply("NONE", []), Verdict(["one", "two"])),
    "masked": (reply("GUARDRAIL_INTERVENED", ["1", "2"], "ANONYMIZED", "NONE"), Verdict(["1", "2"], masked=True)),
    "blocked": (reply("GUARDRAIL_INTERVENED", ["no"], "BLOCKED"), Verdict((), "no")),
    "blocked and masked": (reply("GUARDRAIL_INTERVENED", ["no"], "ANONYMIZED", "BLOCKED"), Verdict((), "no")),
    "a word that nobody knows": (reply("GUARDRAIL_INTERVENED", ["1", "2"], "ANONYMIZED", "REPHRASED"), Verdict((), "1")),
    "without a reason": (reply("GUARDRAIL_INTERVENED", ["no"]), Verdict((), "no")),
    "without a word": (reply("GUARDRAIL_INTERVENED", [], "ANONYMIZED"), Verdict((), "")),
}


@pytest.mark.parametrize(("said", "verdict"), VERDICTS.values(), ids=VERDICTS.keys())
async def test_a_reply_is_read(said: dict[str, Any], verdict: Verdict) -> None:
    """Only where every policy that acted has masked does the text go on."""
    async with guarded_by(lambda _: said) as (guard, _):
        assert await guard.verdict("output", ["one", "two"]) == verdict


async def test_the_request_is_aws_s() -> None:
    """The ARN is one label of the path; each text is a block of its own; the signature is there."""
    async with guarded_by(lambda _: reply("NONE", [])) as (guard, service):
        await guard.verdict("input", ["one", " ", "two"])

    (visit,) = service.visits
    assert visit.target == "/guardrail/arn%3Aaws%3Abedrock%3Aus-west-2%3A123456789012%3Aguardrail%2Fgr0a1b2c3d4e/version/3/apply"
    assert json.loads(visit.body) == {"source": "INPUT", "content": [{"text": {"text": "one"}}, {"text": {"text": "two"}}]}
    assert "/us-west-2/bedrock/aws4_request" in visit.header("authorization")


async def test_outputs_that_fit_no_text_are_asked_for_one_by_one() -> None:
    """A masked text never lands in another's place."""

    def judge(body: dict[str, Any]) -> dict[str, Any]:
        said = [block["text"]["text"] for block in body["content"]]
        masked = ["TWO"] if "two" in said else []
        return reply("GUARDRAIL_INTERVENED" if masked else "NONE", masked, *(["ANONYMIZED"] if masked else []))

    async with guarded_by(judge) as (guard, service):
        verdict = await guard.verdict("output", ["one", "two"])

    assert (list(verdict.texts), verdict.masked) == (["one", "TWO"], True)
    assert len(service.visits) == 3


async def test_a_long_text_takes_several_calls() -> None:
    """And is whole again afterwards."""
    text = "A sentence of this kind. " * 2500
    async with guarded_by(lambda _: reply("NONE", [])) as (guard, service):
        verdict = await guard.verdict("input", [text, "short"])

    assert list(verdict.texts) == [text, "short"]
    assert len(service.visits) == 3


async def test_what_is_asked_twice_is_checked_once() -> None:
    """A model that is still cold is asked again; its guardrail is not."""
    async with guarded_by(lambda _: reply("NONE", [])) as (guard, service):
        assert await guard.admitted(ASKED) is ASKED
        assert await guard.admitted(ASKED) is ASKED

    assert len(service.visits) == 1


NO_REPLIES = {
    "no JSON": b"<html>",
    "no action": {"outputs": []},
    "another form": ["NONE"],
    "an unknown operation": b'{"Output":{"__type":"x"}}',
}


@pytest.mark.parametrize("said", NO_REPLIES.values(), ids=NO_REPLIES.keys())
async def test_what_is_no_reply_lets_nothing_pass(said: Any) -> None:
    """Whatever came with status 200."""
    async with guarded_by(lambda _: said) as (guard, _):
        with pytest.raises(GuardrailFailed):
            await guard.verdict("output", ["one"])
