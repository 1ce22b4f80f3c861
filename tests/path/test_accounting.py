"""One line and one count per request, whatever its end; no prompt, no secret, no ARN anywhere."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest

from gateway.sandbox import faults
from gateway.usage.metrics import NAMES
from tests.stack import LIMITED_SECRET, Stack

CANARY = "PROMPTCANARY7f3a"


def ask(**changes: Any) -> dict[str, Any]:
    content = f"Tell me about {CANARY} and the harbour."
    return {"model": "haiku-support", "messages": [{"role": "user", "content": content}], "max_tokens": 60} | changes


async def test_a_complete_request_is_one_line(stack: Stack, within: Callable[..., Any]) -> None:
    """Who, what, whom, how much, how long: and the counts are the upstream's."""
    reply = await stack.client().chat.completions.create(**ask())

    (line,) = await within(stack.lines)
    (record,) = stack.asked()
    assert line["outcome"] == "complete"
    assert (line["model"], line["target"], line["owner"], line["status"]) == ("haiku-support", "haiku-support", "team-test", 200)
    assert (line["input_tokens"], line["output_tokens"]) == (record.input_tokens, record.output_tokens)
    assert line["usage_source"] == "body"
    assert line["finish_reasons"] == ["end_turn"]
    assert 0 < line["overhead_seconds"] < line["duration_seconds"]
    assert reply.id.endswith(line["request_id"])


async def test_the_metrics_are_the_ones_documented(stack: Stack, http: httpx.AsyncClient) -> None:
    """After one of each kind of request, exactly the documented names are exposed, with samples."""
    client = stack.client()
    await client.chat.completions.create(**ask())
    async for _ in await client.chat.completions.create(**ask(), stream=True):
        pass
    stack.plant(faults.Throttle())
    with pytest.raises(openai.RateLimitError):
        await client.chat.completions.create(**ask())

    exposition = (await http.get("/metrics")).text

    types = {line.split()[2] for line in exposition.splitlines() if line.startswith("# TYPE")}
    assert {name for name in types if name.startswith("quarry_")} == NAMES
    labels = {"model": "haiku-support", "target": "haiku-support"}
    assert stack.metric("quarry_requests_total", outcome="complete", **labels) == 2
    assert stack.metric("quarry_requests_total", outcome="refused", **labels) == 1
    assert stack.metric("quarry_tokens_total", direction="output", **labels) == sum(r.output_tokens for r in stack.asked())
    assert stack.metric("quarry_time_to_first_token_seconds_count", model="haiku-support") == 1
    assert stack.metric("quarry_time_per_output_token_seconds_count", model="haiku-support") == 1
    assert stack.metric("quarry_upstream_errors_total", target="haiku-support", error="throttled") == 1


REFUSED = [
    ({"authorization": "Bearer wrong"}, ask(), 401, None),
    ({"authorization": f"Bearer {LIMITED_SECRET}"}, ask(), 403, "unknown"),
    ({}, ask(model=CANARY), 404, "unknown"),
    ({}, ask(temperature=CANARY), 400, None),
    ({}, ask(frequency_penalty=1.5), 400, "haiku-support"),
]


@pytest.mark.parametrize(("headers", "body", "status", "model"), REFUSED, ids=["key", "alias", "model", "type", "parameter"])
async def test_a_refused_request_is_one_line_too(
    stack: Stack,
    http: httpx.AsyncClient,
    within: Callable[..., Any],
    headers: dict[str, str],
    body: dict[str, Any],
    status: int,
    model: str,
) -> None:
    """4xx are counted as refused, and never under a name that the caller made up."""
    reply = await http.post("/v1/chat/completions", json=body, headers=headers)

    (line,) = await within(stack.lines)
    assert reply.status_code == line["status"] == status
    assert line["outcome"] == "refused"
    assert line.get("model") == model
    assert (
        stack.metric("quarry_requests_total", model=model or "unknown", target="", outcome="refused")
        + stack.metric("quarry_requests_total", model=model or "unknown", target="haiku-support", outcome="refused")
        == 1
    )


async def test_no_secret_prompt_or_arn_leaves_by_a_side_door(stack: Stack, http: httpx.AsyncClient) -> None:
    """Canaries in the prompt, the key and the AWS secret appear in no log line, metric, error or header (S6, S7)."""
    paths = ["/healthz", "/readyz", "/metrics", "/v1/models", "/schema/openapi.json", "/v1/nothing"]
    plants: list[faults.Fault | None] = [
        None,
        faults.Error(name="AccessDeniedException", message="User: arn:aws:sts::123456789012:assumed-role/x is not authorized"),
        faults.Coral200(),
    ]
    outputs = [str((reply := await http.get(path)).headers) + reply.text for path in paths]
    for plant in plants:
        if plant is not None:
            stack.plant(plant)
        for body in (ask(), ask(stream=True), ask(model="arn:aws:bedrock:us-west-2:123456789012:provisioned-model/x")):
            reply = await http.post("/v1/chat/completions", json=body)
            outputs.append(str(reply.headers) + (reply.text if reply.status_code >= 400 else ""))
    echoed = 'There is no model "arn:aws:bedrock:us-west-2:123456789012:provisioned-model/x"'
    shown = "\n".join(outputs).replace(json.dumps(echoed)[1:-1], "")
    logged = stack.output.getvalue().decode()

    for canary in (CANARY, "qk_test_", stack.world.credentials.secret_access_key * 2, "Zk3vN8pQ1sT5wY7a"):
        assert canary not in shown
        assert canary not in logged
    assert "arn:aws" not in shown
    assert "assumed-role" not in shown


async def test_estimates_are_marked(stack: Stack, within: Callable[..., Any]) -> None:
    """A stream cut before its counts is accounted by an estimate that says so."""
    stack.plant(faults.CloseWithoutEnd(after_chunks=6))
    with pytest.raises(openai.APIError):
        async for _ in await stack.client().chat.completions.create(**ask(model="titan-support"), stream=True):
            pass

    (line,) = await within(stack.lines)
    assert line["outcome"] == "cut"
    assert line["usage_source"] == "estimate"
    assert line["output_tokens"] > 0


async def test_only_health_is_open(http: httpx.AsyncClient, stack: Stack) -> None:
    """Every route but the two asks for a key; /metrics for a scope too; tricks with the path change nothing (S1)."""
    anonymous = {"authorization": ""}
    for path in ["/healthz", "/readyz"]:
        assert (await http.get(path, headers=anonymous)).status_code == 200
    guarded = ["/metrics", "/v1/models", "/v1/models/x", "/schema/openapi.json", "/v1/chat/completions"]
    for path in [
        *guarded,
        *(f"{path}/" for path in guarded),
        "//metrics",
        "/healthz/../metrics",
        "/healthz;/metrics",
        "/METRICS",
    ]:
        assert (await http.get(path, headers=anonymous)).status_code in {401, 404, 405}
    limited = {"authorization": f"Bearer {LIMITED_SECRET}"}
    assert (await http.get("/metrics", headers=limited)).status_code == 403
    for header in ("x-api-key", "api-key"):
        assert (await http.get("/v1/models", headers={"authorization": "", header: LIMITED_SECRET})).status_code in {200, 401}
