"""The log's bounds, and a world made from a file."""

import pytest

from gateway.sandbox import config
from gateway.sandbox.log import Log
from gateway.sandbox.reply import Request
from gateway.sandbox.signature import Credentials

FILE = """
region: eu-central-1
pace_tokens_per_second: 40
warm_after_seconds: 5
models:
  - name: mine
    arn: arn:aws:bedrock:eu-central-1:123456789012:provisioned-model/mine00000000
    base_model_id: meta.llama2-13b-v1
"""


def request(body: bytes = b"", *headers: tuple[str, str]) -> Request:
    return Request("POST", "/", "", headers, body)


def test_log_is_bounded_and_keeps_the_newest():
    """Ten thousand requests, not one more."""
    log = Log()
    for position in range(10_001):
        log.open("InvokeModel", str(position), request(), None, 0.0)
    kept = [record.arn for record in log]

    assert len(kept) == 10_000
    assert (kept[0], kept[-1]) == ("1", "10000")


def test_log_leaves_out_large_bodies():
    """An image does not fill the memory."""
    record = Log().open("InvokeModel", None, request(b" " * 70_000), {"image": "…"}, 0.0)

    assert record.body == {"omitted_bytes": 70_000}


def test_log_leaves_out_credentials():
    """Headers are kept as they came, but those that let somebody in."""
    record = Log().open("InvokeModel", None, request(b"", ("accept", "a/b"), ("authorization", "x")), None, 0.0)

    assert record.headers == {"accept": "a/b"}


def test_file_describes_a_world(tmp_path):
    """Region, pace, cold-start time and further models."""
    path = tmp_path / "sandbox.yaml"
    path.write_text(FILE)
    world = config.world(config.read(path), Credentials())

    assert (world.region, world.pace, world.warmth.warm_after_seconds) == ("eu-central-1", 40, 5)
    assert world.shelf.find("mine").family == "llama2"
    assert world.shelf.find("mine").custom_model_arn.endswith("custom-model/meta.llama2-13b-v1:0:4k/mine00000000")
    assert ":eu-central-1:" in world.shelf.find("titan-support").arn


def test_pace_on_the_command_line_beats_the_file():
    """The nearer word wins."""
    assert config.world(config.Config(pace_tokens_per_second=40), Credentials(), pace=0).pace == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [("pase: 1", "pase"), ("pace_tokens_per_second: -1", ">= 0"), ("models: [", "sandbox.yaml"), ("region: 3", "region")],
)
def test_file_that_makes_no_sense_is_refused_with_its_name(tmp_path, text, words):
    """The message says which file and what in it."""
    path = tmp_path / "sandbox.yaml"
    path.write_text(text)

    with pytest.raises(ValueError, match=r"sandbox\.yaml") as caught:
        config.read(path)
    assert words in str(caught.value)


def test_unknown_base_is_refused_by_name():
    """A model must be of a family that the sandbox speaks."""
    entry = config.ModelEntry("mine", "arn", "acme.none-v1")

    with pytest.raises(ValueError, match=r"mine: the sandbox has no base model 'acme\.none-v1'"):
        config.world(config.Config(models=(entry,)), Credentials())
