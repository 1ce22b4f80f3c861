"""Through a guardrail: inside the call and around it, whole and streamed, blocked, masked, and when it cannot be applied."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest

from gateway.sandbox import faults
from gateway.sandbox.guardrails import Guardrail, Sides, guardrails
from gateway.sandbox.world import World
from gateway.settings import Guardrail as Setting
from gateway.settings import Route, Target
from tests.stack import Stack, stack_over

GUARDRAIL = guardrails()[0]
ANSWERS = Guardrail("answers0only", words={"smuggler": Sides(input=False)}, emails=Sides(input=False))
INLINE = ["titan-support", "command-light-support", "llama3-support", "haiku-support", "nova-lite-support", "haiku-converse"]
AROUND = ["gpt-oss-import", "mistral-import"]


@pytest.fixture
def world() -> World:
    return World(rails=(GUARDRAIL, ANSWERS), warm_after_seconds=0.5)


def route(world: World, name: str, rail: Guardrail = GUARDRAIL, **changes: Any) -> Route:
    model = world.shelf.find(name)
    assert model is not None
    target = Target(name=f"{name}-{rail.id}-target", arn=model.arn, family=model.asked_as, region=world.region)
    return Route(targets=(target,), guardrail=Setting(id=rail.id, version=1, **changes))


@pytest.fixture
async def stack(world: World) -> AsyncIterator[Stack]:
    models = {f"{name}-guarded": route(world, name) for name in INLINE + AROUND}
    models |= {f"{name}-answers": route(world, name, ANSWERS, stream_characters=50) for name in INLINE + AROUND}
    async with stack_over(world, models=models) as running_stack:
        yield running_stack


async def ask(stack: Stack, alias: str, text: str, *, stream: bool, **more: Any) -> tuple[str, str | None, Any]:
    """Text, finish reason and usage, by the official client."""
    messages: Any = [{"role": "user", "content": text}]
    client = stack.client()
    if not stream:
        whole = await client.chat.completions.create(model=alias, messages=messages, **more)
        return whole.choices[0].message.content or "", whole.choices[0].finish_reason, whole.usage
    said, finish, usage = [], None, None
    events = await client.chat.completions.create(
        model=alias, messages=messages, stream=True, stream_options={"include_usage": True}, **more
    )
    async for event in events:
        usage = event.usage or usage
        for choice in event.choices:
            said.append(choice.delta.content or "")
            finish = choice.finish_reason or finish
    return "".join(said), finish, usage


both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
every_kind = pytest.mark.parametrize("name", INLINE + AROUND)


def interventions(stack: Stack, alias: str) -> dict[str, float]:
    counts = {
        source: stack.metric("quarry_guardrail_interventions_total", model=alias, source=source)
        for source in ("input", "output", "inline")
    }
    return {source: count for source, count in counts.items() if count}


@both_ways
@every_kind
async def test_what_is_harmless_passes(stack: Stack, name: str, stream: bool) -> None:
    """Nothing is changed, nothing is counted."""
    text, finish, _ = await ask(stack, f"{name}-guarded", "Say: Good morning, all.", stream=stream)

    assert (text.strip(), finish) == ("Good morning, all.", "stop")
    assert interventions(stack, f"{name}-guarded") == {}


@both_ways
@every_kind
async def test_a_blocked_question(stack: Stack, name: str, stream: bool) -> None:
    """The guardrail's words, ``content_filter``, and an intervention that is counted and logged without a word of content."""
    alias, source = f"{name}-guarded", "inline" if name in INLINE else "input"
    text, finish, usage = await ask(stack, alias, "Where do I buy contraband?", stream=stream)

    assert (text.strip(), finish) == (GUARDRAIL.input_message, "content_filter")
    assert interventions(stack, alias) == {source: 1}
    (line,) = stack.lines()
    assert (line["guardrail"], line["outcome"]) == ([source], "complete")
    assert "contraband" not in str(line)
    if name in AROUND:
        assert (usage.prompt_tokens, usage.completion_tokens) == (0, 0)
        assert [record.operation for record in stack.asked()] == ["ApplyGuardrail"]


@both_ways
@every_kind
async def test_a_blocked_answer(stack: Stack, name: str, stream: bool) -> None:
    """Not a word of it leaves."""
    alias, source = f"{name}-guarded", "inline" if name in INLINE else "output"
    text, finish, usage = await ask(stack, alias, "Say: He was a smuggler.", stream=stream)

    assert (text.strip(), finish) == (GUARDRAIL.output_message, "content_filter")
    assert usage is not None
    assert interventions(stack, alias) == {source: 1}


@both_ways
@every_kind
async def test_a_masked_answer(stack: Stack, name: str, stream: bool) -> None:
    """The masked text is the answer, and the reason says that it is not the model's own: by either way."""
    alias = f"{name}-answers"
    text, finish, _ = await ask(stack, alias, "Say: Write to ann@example.com today.", stream=stream)

    assert (text.strip(), finish) == ("Write to {EMAIL} today.", "content_filter")
    assert sum(interventions(stack, alias).values()) == 1


@every_kind
async def test_other_protocols_have_one_word_for_it(stack: Stack, name: str) -> None:
    """Converse's and Anthropic's word for an intervention, whatever the model's own was."""
    said = "Where do I buy contraband?"
    alias = f"{name}-guarded"
    async with httpx.AsyncClient(base_url=stack.url, headers=stack.headers) as http:
        conversed = await http.post(
            f"/bedrock/model/{alias}/converse", json={"messages": [{"role": "user", "content": [{"text": said}]}]}
        )
        message = await http.post(
            "/v1/messages", json={"model": alias, "max_tokens": 50, "messages": [{"role": "user", "content": said}]}
        )

    assert conversed.json()["stopReason"] == "guardrail_intervened"
    assert message.json()["stop_reason"] == "refusal"


@both_ways
@pytest.mark.parametrize("name", INLINE)
async def test_a_guardrail_that_does_not_exist(world: World, name: str, stream: bool) -> None:
    """Is the operator's to mend, not the caller's."""
    models = {"astray": route(world, name, Guardrail("nosuch000000"))}
    async with stack_over(world, models=models) as stack:
        with pytest.raises(openai.InternalServerError, match="operator") as caught:
            await ask(stack, "astray", "Say: hello", stream=stream)

    assert (caught.value.status_code, caught.value.code) == (502, "upstream_error")
    assert "nosuch000000" not in str(caught.value)


@both_ways
@pytest.mark.parametrize("name", AROUND)
async def test_a_masked_question(stack: Stack, name: str, stream: bool) -> None:
    """The model sees the masked text alone; its answer is its own."""
    alias = f"{name}-guarded"
    text, finish, _ = await ask(stack, alias, "Say: Write to ann@example.com today.", stream=stream)

    assert (text.strip(), finish) == ("Write to {EMAIL} today.", "stop")
    assert interventions(stack, alias) == {"input": 1}
    assert "ann@example.com" not in str([record.body for record in stack.asked() if record.operation != "ApplyGuardrail"])


@pytest.mark.parametrize("name", AROUND)
async def test_a_stream_is_checked_piece_by_piece(stack: Stack, name: str) -> None:
    """What was checked leaves in order, and the piece that is blocked ends the answer."""
    said = " ".join(["All is quiet in the harbour tonight."] * 4 + ["There is the smuggler."] + ["Nothing else is said."] * 20)
    text, finish, usage = await ask(stack, f"{name}-answers", f"Say: {said}", stream=True)

    assert finish == "content_filter"
    assert text.strip().startswith("All is quiet in the harbour tonight.")
    assert text.endswith(ANSWERS.output_message)
    assert "smuggler" not in text
    assert usage.completion_tokens > 0
    assert [record.operation for record in stack.asked()].count("ApplyGuardrail") > 2


@pytest.mark.parametrize("name", AROUND)
async def test_a_long_stream_is_the_same_text(stack: Stack, name: str) -> None:
    """However it is cut, joined again it is what the model said."""
    said = " ".join(f"Number {number} is mentioned here, and so is ann{number}@example.com." for number in range(40))
    text, finish, _ = await ask(stack, f"{name}-answers", f"Say: {said}", stream=True, max_tokens=2000)

    expected = " ".join(f"Number {number} is mentioned here, and so is {{EMAIL}}." for number in range(40))
    assert (text.strip(), finish) == (expected, "content_filter")


FAULTS = {
    "refused": faults.Error(name="AccessDeniedException", match=faults.Match(operation="ApplyGuardrail")),
    "throttled": faults.Throttle(match=faults.Match(operation="ApplyGuardrail")),
    "gone": faults.Error(name="ResourceNotFoundException", match=faults.Match(operation="ApplyGuardrail")),
}


@both_ways
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_a_guardrail_that_cannot_be_applied_lets_nothing_pass(stack: Stack, fault: faults.Fault, stream: bool) -> None:
    """An upstream's error, the model is not asked, and no word about AWS reaches the caller."""
    stack.plant(fault)

    with pytest.raises(openai.InternalServerError) as caught:
        await ask(stack, "gpt-oss-import-guarded", "Say: hello", stream=stream)

    assert (caught.value.status_code, caught.value.code) == (502, "upstream_error")
    assert GUARDRAIL.id not in str(caught.value)
    assert {record.operation for record in stack.asked()} == {"ApplyGuardrail"}


async def test_a_throttle_that_passes(stack: Stack) -> None:
    """Is waited for."""
    stack.plant(faults.Throttle(match=faults.Match(operation="ApplyGuardrail"), times=2))

    text, finish, _ = await ask(stack, "gpt-oss-import-guarded", "Say: hello", stream=False)

    assert (text, finish) == ("hello", "stop")


async def test_choices_are_checked_once(stack: Stack) -> None:
    """What all of them ask is one question."""
    reply = await stack.client().chat.completions.create(
        model="gpt-oss-import-guarded", messages=[{"role": "user", "content": "Say: hello"}], n=3
    )

    asked = [record.body["source"] for record in stack.asked() if record.operation == "ApplyGuardrail"]
    assert [choice.message.content for choice in reply.choices] == ["hello"] * 3
    assert (asked.count("INPUT"), asked.count("OUTPUT")) == (1, 3)


@both_ways
async def test_arguments_of_a_call_are_checked(stack: Stack, stream: bool) -> None:
    """A tool is text of the model's too."""
    schema = {"type": "object", "properties": {"city": {"type": "string", "enum": ["smuggler"]}}, "required": ["city"]}
    tools = [{"type": "function", "function": {"name": "get_weather", "description": "Weather of a city", "parameters": schema}}]
    more = {"tools": tools, "tool_choice": "required"}
    text, finish, _ = await ask(stack, "gpt-oss-import-answers", "How is the weather?", stream=stream, **more)

    assert (text, finish) == (ANSWERS.output_message, "content_filter")


REFUSED = {
    "logprobs": ({"logprobs": True}, "logprobs"),
    "a gif": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "image_url",
                            "image_url": {"url": "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs="},
                        }
                    ],
                }
            ]
        },
        "messages",
    ),
}


@pytest.mark.parametrize(("change", "parameter"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_cannot_be_looked_at_is_refused(stack: Stack, change: dict[str, Any], parameter: str) -> None:
    """It is named, and nothing is asked."""
    body = {"model": "gpt-oss-import-guarded", "messages": [{"role": "user", "content": "hi"}]} | change
    async with httpx.AsyncClient(headers=stack.headers) as http:
        reply = await http.post(f"{stack.url}/v1/chat/completions", json=body)

    assert (reply.status_code, reply.json()["error"]["param"]) == (400, parameter)
    assert stack.asked() == []


NATIVE = {
    "the alias's, said again": ("titan-support-guarded", {"x-amzn-bedrock-guardrailidentifier": GUARDRAIL.id}, {}, 200),
    "another": ("titan-support-guarded", {"x-amzn-bedrock-guardrailidentifier": ANSWERS.id}, {}, 400),
    "another version": ("titan-support-guarded", {"x-amzn-bedrock-guardrailversion": "DRAFT"}, {}, 400),
    "a trace": ("titan-support-guarded", {"x-amzn-bedrock-trace": "ENABLED_FULL"}, {}, 400),
    "a narrower look": ("titan-support-guarded", {}, {"amazon-bedrock-guardrailConfig": {"tagSuffix": "x"}}, 400),
    "one that would be around it": ("mistral-import-guarded", {}, {}, 400),
}


@pytest.mark.parametrize(("alias", "headers", "change", "status"), NATIVE.values(), ids=NATIVE.keys())
async def test_a_native_request_cannot_get_around_it(
    stack: Stack, alias: str, headers: dict[str, str], change: dict[str, Any], status: int
) -> None:
    """The alias's guardrail goes with it, and nothing that would weaken it."""
    async with httpx.AsyncClient(headers=stack.headers | headers) as http:
        reply = await http.post(f"{stack.url}/bedrock/model/{alias}/invoke", json={"inputText": "Buy contraband"} | change)

    assert reply.status_code == status
    if status == 200:
        assert reply.json()["amazon-bedrock-guardrailAction"] == "INTERVENED"
        assert interventions(stack, alias) == {"inline": 1}
        sent = dict(stack.asked()[0].headers)
        assert sent["x-amzn-bedrock-guardrailversion"] == "1"
    else:
        assert stack.asked() == []
        assert GUARDRAIL.id not in reply.text
