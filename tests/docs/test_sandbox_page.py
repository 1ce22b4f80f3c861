"""docs/sandbox.md is run, and its tables are compared with what they describe."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from gateway.sandbox import config
from gateway.sandbox.faults import AnyFault
from gateway.sandbox.models import models
from gateway.sandbox.signature import Credentials

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_python_examples_run_one_after_the_other(monkeypatch):
    """Every line of Python on the page works as it stands."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    namespace = {"__name__": "page"}
    for block in blocks("python"):
        exec(compile(block, "docs/sandbox.md", "exec"), namespace)

    assert namespace["latest"]["completed"]


def test_configuration_example_is_admitted(tmp_path):
    """The YAML on the page makes a world."""
    (text,) = blocks("yaml")
    path = tmp_path / "sandbox.yaml"
    path.write_text(text)

    assert config.world(config.read(path), Credentials()).shelf.find("contracts").family == "llama2"


@pytest.mark.parametrize("kind", get_args(AnyFault), ids=lambda kind: kind.__name__)
def test_every_kind_of_fault_is_in_the_table_with_its_fields(kind):
    """Nothing can be planted that the page does not tell."""
    tag = kind.__struct_config__.tag
    (row,) = re.findall(rf"^\| `{tag}` \|.*$", PAGE, re.MULTILINE)

    for field in msgspec.structs.fields(kind):
        assert field.name in {"match", "times"} or f"`{field.name}`" in row


@pytest.mark.parametrize("model", [model for model in models() if model.kind != "foundation-model"], ids=lambda model: model.name)
def test_every_model_is_in_the_table(model):
    """Name, family, kind and id as they are."""
    identifier = model.arn.rpartition("/")[2]

    assert re.search(rf"^\| `{model.name}` \| {model.family} \| {model.kind}\b.*\| `{identifier}` \|$", PAGE, re.MULTILINE)
