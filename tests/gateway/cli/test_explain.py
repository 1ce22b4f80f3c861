"""``quarry explain``: the same bodies and refusals as the path, and nothing sent."""

import json

import pytest
from click.testing import CliRunner

from adapters import FAMILIES
from gateway.cli import main

ARN = "arn:aws:bedrock:us-west-2:123456789012"

TEXT = f"""\
models:
  support:
    description: Answers tickets
    targets:
      - {{name: spare, arn: "{ARN}:provisioned-model/000000000000", family: claude, priority: 1, role_arn: "arn:aws:iam::210987654321:role/r"}}
      - {{name: light, arn: "{ARN}:provisioned-model/111111111111", family: claude}}
      - {{name: heavy, arn: "{ARN}:provisioned-model/999999999999", family: claude, weight: 9}}
      - {{name: idle, arn: "{ARN}:provisioned-model/222222222222", family: claude, weight: 0}}
    fallbacks: [llama]
    defaults: {{max_tokens: 77, temperature: 0.25}}
    ignore_parameters: [frequency_penalty]
  llama:
    targets: [{{arn: "{ARN}:imported-model/0a1b2c3d4e5f", family: llama3}}]
limits: {{requests_per_minute: 6000}}
keys:
  - {{name: search, id: abc, hash: "sha256:{"0" * 64}", models: ["sup*"], limits: {{usd_per_month: 400.5}}}}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "quarry.yaml"
    path.write_text(TEXT)
    return str(path)


def explain(*arguments, body=None):
    return CliRunner().invoke(main, ["explain", *arguments], input=None if body is None else json.dumps(body))


def explained(*arguments, body=None):
    result = explain(*arguments, "--json", *([] if body is None else ["--body", "-"]), body=body)
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_targets_stand_in_the_order_of_asking(config):
    """By priority, then weight; then those never asked; then the fallback's. Each says why."""
    steps = explained("support", "--config", config)["steps"]

    assert {step["target"]: step["why"] for step in steps} == {
        "heavy": "priority 0: asked first, before its peers in 9 of 10 requests",
        "light": "priority 0: asked first, before its peers in 1 of 10 requests",
        "spare": "priority 1: asked when every target of a lower priority number has failed",
        "idle": "weight 0: never asked",
        "llama": "fallback, when no target of support has begun to answer; priority 0: asked first",
    }
    assert [step["target"] for step in steps] == ["heavy", "light", "spare", "idle", "llama"]


def test_the_body_is_the_exact_one(config):
    """Defaults applied, the family's own field names, ready to be sent."""
    body = {"messages": [{"role": "user", "content": "Hi"}], "top_p": 0.5}

    steps = explained("support", "--config", config, body=body)["steps"]

    assert steps[0]["family"] == "claude"
    assert steps[0]["body"]["max_tokens"] == 77
    assert steps[0]["body"]["temperature"] == 0.25
    assert steps[0]["body"]["top_p"] == 0.5
    assert steps[0]["body"]["anthropic_version"] == "bedrock-2023-05-31"
    assert steps[-1]["body"]["max_gen_len"] == FAMILIES["llama3"].max_tokens
    assert "Hi" in steps[-1]["body"]["prompt"]


def test_ignored_parameters_are_named(config):
    """What the alias drops stands with the target that would not get it."""
    body = {"messages": [{"role": "user", "content": "Hi"}], "frequency_penalty": 0.5, "user": "u"}

    step = explained("support", "--config", config, body=body)["steps"][0]

    assert set(step["ignored"]) == {"frequency_penalty", "user"}
    assert "frequency_penalty" not in step["body"]


def test_a_refusal_is_the_callers(config):
    """A request that the first target refuses exits with 1 and shows the message and the parameter."""
    body = {"messages": [{"role": "user", "content": "Hi"}], "temperature": 1.4}

    result = explain("support", "--config", config, "--body", "-", body=body)

    assert result.exit_code == 1
    assert 'temperature 1.4 is outside 0 to 1 for family "claude" (param: temperature)' in result.output


def test_a_bad_body_is_refused_as_a_caller_would_read_it(config):
    """Before any target is looked at: status, message and parameter."""
    result = explain("support", "--config", config, "--body", "-", body={"messages": []})

    assert result.exit_code == 1
    assert "refused with status 400" in result.output
    assert "(param: messages)" in result.output


@pytest.mark.parametrize("text", [b"", b"[", b"[]", b"\x00", b'{"a": "\xff"}', b'{"model": 5}', b'{"a": ' + b"[" * 10_000])
def test_a_body_that_is_no_request_is_no_crash(config, text):
    """Whatever stands in the file, the answer is a sentence."""
    result = CliRunner().invoke(main, ["explain", "support", "--config", config, "--body", "-"], input=text)

    assert result.exit_code == 1
    assert result.output.startswith("Error: this request is refused with status 400")


def test_the_bodys_own_model_does_not_matter(config):
    """The alias is the argument's, so that one file can be tried on several."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}

    assert explained("llama", "--config", config, body=body)["steps"][0]["target"] == "llama"


def test_limits_are_the_keys_and_everyones(config):
    """Each limit says whom it is for, and that this version does not enforce it."""
    limits = explained("support", "--config", config, "--key", "search")["limits"]

    assert limits == [
        {"scope": "everyone", "resource": "requests_per_minute", "amount": 6000, "enforced": False},
        {"scope": "key search", "resource": "usd_per_month", "amount": 400.5, "enforced": False},
    ]
    assert len(explained("support", "--config", config)["limits"]) == 1


def test_a_page_for_people(config):
    """The plain output holds what the JSON holds: order, reason, body, times, limits, price."""
    shown = explain("support", "--config", config).output

    for expected in (
        "support: Answers tickets\n",
        "1. heavy\n",
        "   role    arn:aws:iam::210987654321:role/r\n",
        '       "max_tokens": 77,\n',
        "  total_seconds 600\n",
        "  requests_per_minute 6000 for everyone (not enforced in this version)\n",
        "price unknown in this version\n",
    ):
        assert expected in shown


def test_a_streamed_request_has_its_own_body(tmp_path):
    """``--stream``, or the request's own ``stream``, shows the body that asks for a stream."""
    path = tmp_path / "quarry.yaml"
    path.write_text(f"models: {{a: {{targets: [{{arn: '{ARN}:imported-model/0a1b2c3d4e5f', family: openai_chat}}]}}}}")
    body = {"messages": [{"role": "user", "content": "Hi"}], "stream": True}

    whole = explained("a", "--config", str(path))
    streams = [explained("a", "--config", str(path), "--stream"), explained("a", "--config", str(path), body=body)]

    assert whole["stream"] is False
    assert "stream" not in whole["steps"][0]["body"]
    assert [stream["steps"][0]["body"]["stream"] for stream in streams] == [True, True]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("suport",), 2, 'there is no alias "suport"; did you mean "support"?'),
        (("support", "--key", "serch"), 2, 'there is no key "serch"; did you mean "search"?'),
        (("llama", "--key", "abc"), 1, "refused with status 403"),
        ((), 2, "Missing argument 'ALIAS'"),
    ],
)
def test_wrong_use_says_what_to_write(config, arguments, code, message):
    """An unknown alias or key is wrong use; an alias that the key may not use is the caller's own refusal."""
    result = explain(*arguments, "--config", config)

    assert result.exit_code == code
    assert message in result.output


def test_a_bad_configuration_is_told_whole(tmp_path):
    """Every problem of the file, and exit code 1."""
    path = tmp_path / "quarry.yaml"
    path.write_text("server: {port: x, prot: 1}\nmodels: {a: {targets: []}}")

    result = explain("a", "--config", str(path))

    assert result.exit_code == 1
    assert "has 3 problems:" in result.output


def test_a_missing_file_is_wrong_use(tmp_path):
    """A path that does not exist exits with 2 and names it."""
    result = explain("a", "--config", str(tmp_path / "none.yaml"))

    assert result.exit_code == 2
    assert "none.yaml" in result.output


def test_every_choice_is_a_call(config):
    """Who asks for two answers is told that two calls are made; who asks for one reads nothing of it."""
    two = {"messages": [{"role": "user", "content": "Hello"}], "n": 2}

    assert "n is 2: so many calls side by side" in explain("llama", "--config", config, "--body", "-", body=two).output
    assert explained("llama", "--config", config, body=two)["choices"] == 2
    assert "n is" not in explain("llama", "--config", config).output


GUARDED = f"""\
models:
  inside: {{targets: [{{arn: "{ARN}:provisioned-model/000000000000", family: claude}}], guardrail: {{id: gr0a1b2c3d4e, version: 3}}}}
  shared: {{targets: [{{arn: "{ARN}:provisioned-model/111111111111", family: converse}}], guardrail: {{id: gr0a1b2c3d4e, version: 3}}}}
  around: {{targets: [{{arn: "{ARN}:imported-model/0a1b2c3d4e5f", family: llama3}}], guardrail: {{id: gr0a1b2c3d4e, version: DRAFT}}}}
"""


def test_a_guardrail_is_shown(tmp_path):
    """Which, how it is applied, and what of it stands in the body."""
    path = tmp_path / "quarry.yaml"
    path.write_text(GUARDED)
    steps = {alias: explained(alias, "--stream", "--config", str(path))["steps"][0] for alias in ("inside", "shared", "around")}

    assert {alias: step["guardrail"] for alias, step in steps.items()} == {
        "inside": "gr0a1b2c3d4e version 3, inside the call",
        "shared": "gr0a1b2c3d4e version 3, inside the call",
        "around": "gr0a1b2c3d4e version DRAFT, around the call, by ApplyGuardrail",
    }
    assert {alias: step["body"].get("guardrailConfig") for alias, step in steps.items()} == {
        "inside": None,
        "shared": {"guardrailIdentifier": "gr0a1b2c3d4e", "guardrailVersion": "3", "streamProcessingMode": "sync"},
        "around": None,
    }
    assert "guard   gr0a1b2c3d4e version 3, inside the call" in explain("inside", "--config", str(path)).output
