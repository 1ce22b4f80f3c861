"""Counting a prompt: by the model's own tokenizer where it brought one, else an estimate; nobody is asked."""

from collections.abc import AsyncIterator, Iterator

import anthropic
import boto3
import pytest
import tokenizers

from gateway.sandbox.s3 import s3
from gateway.sandbox.world import World
from gateway.settings import ChatTemplate, Route, Target
from tests.stack import SECRET, Stack, stack_over

TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}<|assistant|>"


def tokenizer() -> tokenizers.Tokenizer:
    """A token for every byte and every mark of the template."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocab={}, merges=[]))
    marks = ["<|user|>", "<|system|>", "<|assistant|>", "<|end|>"]
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=260, special_tokens=marks, initial_alphabet=alphabet, show_progress=False)
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.train_from_iterator([], trainer)
    return made


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    """S3 with the files of one model."""
    with s3() as url:
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_bucket(Bucket="models")
        client.put_object(Bucket="models", Key="own/chat_template.jinja", Body=TEMPLATE)
        client.put_object(Bucket="models", Key="own/tokenizer.json", Body=tokenizer().to_str())
        yield url


@pytest.fixture
async def stack(world: World, files: str) -> AsyncIterator[Stack]:
    """``own`` brings a tokenizer; its second target, which is asked only in need, does not."""
    llama = next(model for model in world.shelf.entries if model.name == "llama3-support").arn
    own = Target(
        arn=llama,
        family="llama3",
        region=world.region,
        name="own-1",
        chat_template=ChatTemplate(source="s3://models/own/"),
    )
    other = Target(arn=llama, family="llama3", region=world.region, name="own-2", priority=1)
    async with stack_over(world, models={"own": Route(targets=(other, own))}, s3_url=files) as running:
        yield running


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=stack.url, api_key=SECRET, max_retries=0) as client:
        yield client


async def test_an_exact_count(stack: Stack, client: anthropic.AsyncAnthropic) -> None:
    """The tokens of the prompt as the target that is asked first would be sent it, the template's own among them."""
    reply = await client.messages.with_raw_response.count_tokens(
        model="own", system="Be brief.", messages=[{"role": "user", "content": "hello"}]
    )

    written = "<|system|>Be brief.<|end|><|user|>hello<|end|><|assistant|>"
    assert (await reply.parse()).input_tokens == len(tokenizer().encode(written).ids)
    assert reply.headers["x-quarry-count"] == "exact"
    assert stack.asked() == []


async def test_an_estimate(client: anthropic.AsyncAnthropic) -> None:
    """Without a tokenizer of the model's own the count is an estimate, tools among it."""
    tool = {"name": "f", "description": "d" * 400, "input_schema": {"type": "object"}}
    ask = {"model": "llama3-support", "messages": [{"role": "user", "content": "hello"}]}
    reply = await client.messages.with_raw_response.count_tokens(**ask)
    offered = await client.messages.count_tokens(**ask, tools=[tool])

    assert reply.headers["x-quarry-count"] == "estimate"
    assert offered.input_tokens >= (await reply.parse()).input_tokens + 100


async def test_what_the_family_refuses(client: anthropic.AsyncAnthropic) -> None:
    """A count refuses what an answer would."""
    with pytest.raises(anthropic.BadRequestError, match=r"thinking\.budget_tokens is not supported"):
        await client.messages.count_tokens(
            model="titan-support",
            messages=[{"role": "user", "content": "hello"}],
            thinking={"type": "enabled", "budget_tokens": 2000},
        )
