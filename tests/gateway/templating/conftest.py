"""Real worker processes, a small real tokenizer, and an S3 to put files into."""

import json

import boto3
import pytest
import tokenizers

from adapters.chat import ChatRequest, Message, Text
from adapters.prompts.checkpoint import Checkpoint
from gateway.sandbox.s3 import s3
from gateway.templating.model import Model
from gateway.templating.processes import Processes

SAID = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}<|assistant|>"


def asking(text="hi", **changes):
    return ChatRequest(messages=(Message("user", (Text(text),)),), **changes)


def model(template, key="k", **changes):
    return Model(key, Checkpoint({"default": template}, **changes))


def when_asked(hostile, text="hi"):
    """A template that behaves until somebody says the word."""
    return SAID + "{% if messages[0].content == '" + text + "' %}" + hostile + "{% endif %}"


@pytest.fixture
async def prompts():
    processes = Processes("prompts")
    yield processes
    await processes.aclose()


@pytest.fixture
async def tokens():
    processes = Processes("tokens")
    yield processes
    await processes.aclose()


@pytest.fixture(scope="session")
def tokenizer_json():
    """Every byte is a token, and some runs of letters, and three marks: as a model's ``tokenizer.json`` has it."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocab={}, merges=[]))
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<|user|>", "<|assistant|>", "<|end|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(["the weather in the city and the other weather"], trainer)
    tokenizer.add_tokens(["<tool_call>"])
    return tokenizer.to_str().encode()


@pytest.fixture(scope="session")
def bucket():
    """A bucket, and a function that puts a model's files into a folder of it."""
    with s3() as url:
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_bucket(Bucket="models")

        def put(folder, **files):
            for name, body in files.items():
                stem, _, ending = name.rpartition("_")
                key = f"{folder}/{stem}.{ending}"
                if body is None:
                    client.delete_object(Bucket="models", Key=key)
                else:
                    client.put_object(Bucket="models", Key=key, Body=body if isinstance(body, bytes) else json.dumps(body))

        yield url, put
