"""``--identify`` asks AWS; without it, no command but ``serve`` itself does."""

import json

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.sandbox import faults
from gateway.sandbox.serve import background
from gateway.sandbox.world import World

HERE = "arn:aws:bedrock:us-west-2:123456789012:"


@pytest.fixture(scope="module")
def account():
    world = World()
    with background(world) as url:
        yield world, url


@pytest.fixture
def world(account, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    account[0].reset()
    return account[0]


@pytest.fixture
def config(account, tmp_path):
    text = f"""\
aws:
  region: us-west-2
  endpoint_urls: {{bedrock: "{account[1]}"}}
models:
  found: {{targets: [{{arn: "{HERE}provisioned-model/e5ha1ku3c1au"}}]}}
  import: {{targets: [{{arn: "{HERE}imported-model/h8gpt0ss2020"}}]}}
  pinned: {{targets: [{{arn: "{HERE}provisioned-model/c311am4tw013", family: llama2}}]}}
"""
    path = tmp_path / "quarry.yaml"
    path.write_text(text)
    return str(path)


def quarry(*arguments, body=None):
    return CliRunner().invoke(main, arguments, input=None if body is None else json.dumps(body))


def steps(*arguments, body=None):
    result = quarry("explain", *arguments, "--json", *([] if body is None else ["--body", "-"]), body=body)
    assert result.exit_code == 0, result.output
    return json.loads(result.output)["steps"]


def test_without_it_nobody_is_asked(world, config):
    """An open family is shown as such: no body, no refusal, exit code 0."""
    (step,) = steps("found", "--config", config)
    checked = quarry("serve", "--check", "--config", config)

    assert (step["family"], step["body"], step["refused"], step["card"]) == ("", None, None, None)
    assert step["family_why"] == "not written; the gateway asks AWS for it at its start, and --identify asks now"
    assert checked.exit_code == 0
    assert checked.output.count("not written; asked of AWS when the gateway starts") == 2
    assert list(world.log) == []


def test_with_it_the_body_is_the_exact_one(world, config):
    """The family that AWS's facts decide, why, and the card."""
    (step,) = steps("found", "--config", config, "--identify")

    assert step["family"] == "claude"
    assert step["family_why"] == "AWS says: its base model is anthropic.claude-3-haiku-20240307-v1:0"
    assert step["card"].startswith("provisioned-model, base model anthropic.claude-3-haiku-20240307-v1:0, 1 model unit")
    assert step["body"]["anthropic_version"] == "bedrock-2023-05-31"


def test_a_written_family_says_so(world, config):
    """Asked all the same, to show the card; the family is the written one."""
    (step,) = steps("pinned", "--config", config, "--identify")

    assert (step["family"], step["family_why"]) == ("llama2", "written in the configuration")
    assert "base model meta.llama2-13b-v1:0" in step["card"]


def test_negotiation_is_explained(world, config):
    """Facts first, then what this request needs of them."""
    (step,) = steps("import", "--config", config, "--identify")

    assert step["family"] == "openai_chat"
    assert step["family_why"] == (
        "AWS says: gpt_oss, imported 2026-02-01: OpenAI's bodies, and a chat template of its own; a chat goes as OpenAI's chat"
    )


def test_what_aws_refuses_is_the_commands_failure(world, config):
    """Exit code 1 and every problem with its line."""
    world.faults.plant("no", faults.Error(name="AccessDeniedException"))

    for arguments in (("explain", "found"), ("serve", "--check")):
        result = quarry(*arguments, "--identify", "--config", config)

        assert result.exit_code == 1
        assert "models.found.targets[0].family (line 5): not written, and AWS does not allow this gateway" in result.output
        assert "models.import.targets[0].family (line 6): not written" in result.output


@pytest.mark.parametrize("arguments", [("--identify",), ("--sandbox", "--identify")])
def test_it_goes_with_check(arguments):
    """serve asks anyway: alone the flag is wrong use."""
    assert quarry("serve", *arguments).exit_code == 2
