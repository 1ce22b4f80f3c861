"""The sandbox's own API: models, clock, warmth, reset, and what it refuses."""

import pytest


async def test_models_lists_one_of_every_family(wire):
    """Every entry tells name, family, kind, ARN and base; exactly one import starts cold."""
    models = (await wire.own("GET", "models"))["models"]

    assert {model["family"] for model in models} >= {
        "titan",
        "cohere",
        "llama2",
        "llama3",
        "claude",
        "openai_chat",
        "openai_completion",
    }
    assert [model["name"] for model in models if model["warmth"] == "cold"] == ["qwen-import"]
    assert len({model["arn"] for model in models}) == len(models)
    assert all(":123456789012:" in model["arn"] or "::foundation-model/" in model["arn"] for model in models)


async def test_clock_is_pushed_and_set_to_a_rate(wire):
    """Advancing adds seconds; a rate of 0 stops the clock."""
    before = (await wire.own("GET", "clock"))["now"]
    pushed = await wire.own("POST", "clock", {"advance_seconds": 7200, "rate": 0})
    again = await wire.own("GET", "clock")

    assert 7200 <= pushed["now"] - before < 7300
    assert pushed == again | {"rate": 0}


@pytest.mark.parametrize("change", [{"advance_seconds": -1}, {"rate": -2}, {"advance": 3}])
async def test_clock_never_goes_back(wire, change):
    """A change that makes no sense is refused."""
    status, _, _ = await wire.ask("POST", "/_sandbox/clock", change)

    assert status == 400


async def test_warmth_can_be_set(wire):
    """A test need not wait for a model to grow cold."""
    cooled = await wire.own("PUT", "models/gpt-oss-import/warmth", {"state": "cold"})
    heated = await wire.own("PUT", "models/gpt-oss-import/warmth", {"state": "warm"})
    status, _, _ = await wire.ask("PUT", "/_sandbox/models/titan-support/warmth", {"state": "cold"})

    assert (cooled["warmth"], heated["warmth"]) == ("cold", "warm")
    assert status == 404


async def test_reset_brings_back_the_first_day(wire, llama):
    """No faults, no requests, real time, imports as they began."""
    await wire.own("PUT", "faults/x", {"kind": "throttle"})
    await wire.own("POST", "clock", {"rate": 60})
    await wire.own("PUT", "models/qwen-import/warmth", {"state": "warm"})
    await wire.ask("POST", wire.invoke_path(llama), {"prompt": "hi"})
    await wire.own("POST", "reset")

    assert await wire.own("GET", "faults") == {"faults": []}
    assert await wire.own("GET", "requests") == {"requests": []}
    assert (await wire.own("GET", "clock"))["rate"] == 1
    assert [model["name"] for model in (await wire.own("GET", "models"))["models"] if model["warmth"] == "cold"] == [
        "qwen-import"
    ]


async def test_requests_can_be_narrowed(wire, llama):
    """By operation, by ARN, and to the latest few."""
    for prompt in ("a", "b", "c"):
        await wire.ask("POST", wire.invoke_path(llama), {"prompt": prompt})
    await wire.ask("GET", "/imported-models")
    latest = (await wire.own("GET", "requests?operation=InvokeModel&limit=2"))["requests"]

    assert [record["body"]["prompt"] for record in latest] == ["b", "c"]
    assert (await wire.own("GET", "requests?arn=nobody"))["requests"] == []


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "nowhere", 404), ("POST", "models", 405), ("PUT", "faults", 405)])
async def test_unknown_paths_and_methods_are_told(wire, method, path, status):
    """404 for what is not here, 405 for what cannot be done."""
    got, _, body = await wire.ask(method, f"/_sandbox/{path}", {})

    assert got == status
    assert body["message"]
