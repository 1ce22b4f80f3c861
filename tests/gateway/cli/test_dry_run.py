"""A dry run beside the real run: what ``explain`` shows is what Bedrock is sent."""

import json

import msgspec
import pytest

from gateway.cli.dry_run import addressed, caller, example, explain
from gateway.configuration import check
from gateway.registry.spaces import embeds
from gateway.surface.answering import Arrival
from gateway.surface.openai.parse import parse_chat
from tests.stack import settings_for

BODY = {
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Grüße, «world»\n\n#"}],
    "max_tokens": 20,
    "temperature": 0.5,
    "stop": ["END"],
    "user": "somebody",
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_what_is_explained_is_what_is_sent(stack, http, world, stream):
    """For every alias, the body and the ignored parameters are those of the same request made in earnest."""
    configuration = check(settings_for(world, stack.url), name="test")
    key = caller(configuration, None)
    for alias in (name for name, route in configuration.snapshot.routes.items() if not embeds(route)):
        body = msgspec.json.encode(BODY | {"model": alias, "stream": stream})

        (step,) = (await explain(configuration, alias, body, key=key)).steps
        reply = await http.post("/v1/chat/completions", content=body)

        assert stack.asked()[-1].arn == step.arn
        assert stack.asked()[-1].body == json.loads(bytes(step.body))
        assert reply.status_code == 200
        assert tuple(reply.headers["x-quarry-ignored-parameters"].split(", ")) == step.ignored


async def test_what_is_explained_of_embeddings_is_what_is_sent(stack, http, world):
    """The first call's body, and how many there are; the example is a good request, too."""
    configuration = check(settings_for(world, stack.url), name="test")
    key = caller(configuration, None)
    texts = [f"Text {number}" for number in range(100)]
    for alias, route in configuration.snapshot.routes.items():
        if not embeds(route):
            continue
        before = len(stack.asked())
        (shown,) = (await explain(configuration, alias, example(alias, vectors=True), key=key)).steps
        (step,) = (await explain(configuration, alias, msgspec.json.encode({"input": texts, "user": "me"}), key=key)).steps
        reply = await http.post("/v1/embeddings", json={"model": alias, "input": texts, "user": "me"})
        sent = stack.asked()[before:]

        assert reply.status_code == 200
        assert shown.refused is None
        assert len(sent) == step.calls
        assert json.loads(bytes(step.body)) in [record.body for record in sent]
        assert step.ignored == ("user",)


def test_the_example_is_a_good_request():
    """What stands in for a request that nobody brought is one that the surface takes."""
    call = parse_chat(example("support"), Arrival("x", None, 0.0))

    assert call.alias == "support"
    assert len(call.request.messages) == 2


def test_a_model_of_its_own_is_left_alone():
    """``model`` is only filled in where it is missing."""
    assert addressed(b'{"model": "x", "a": 1}', "y") == b'{"model": "x", "a": 1}'
    assert json.loads(addressed(b'{"a": 1.0}', "y")) == {"model": "y", "a": 1.0}
    assert addressed(b"[1]", "y") == b"[1]"
