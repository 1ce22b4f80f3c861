"""Tokens of a request, exact where the target's own files tell."""

from adapters.chat import ChatRequest, Message, Text
from gateway.registry.model import Target
from gateway.templating.templates import Count, Templates

TARGET = Target(
    name="bot",
    arn="arn:aws:bedrock:us-west-2:123456789012:imported-model/a1b2c3d4e5f6",
    region="us-west-2",
    kind="imported-model",
    family="llama3",
)


async def test_without_a_tokenizer_a_count_is_an_estimate():
    """A target that brought no files is estimated, and the count says so."""
    request = ChatRequest(messages=(Message("user", (Text("four characters a token"),)),))

    assert await Templates().count(TARGET, request) == Count(10, exact=False)
