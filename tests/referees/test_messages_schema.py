"""The official ``anthropic`` SDK judges the wire of messages: its types know every field and every error, its sync client reads us.

The SDK's types are generated from Anthropic's published schema, so a new release of it is what tells us of a new field.
"""

import asyncio
import json
import threading
import typing
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import msgspec
import pytest
from anthropic import types
from anthropic.types import beta, message_count_tokens_params, message_create_params
from anthropic.types.beta import message_create_params as beta_create_params
from anthropic.types.shared import ErrorResponse
from pydantic import TypeAdapter

from gateway import errors
from gateway.errors import GatewayError
from gateway.sandbox.world import World
from gateway.surface.anthropic.problems import WORDS, envelope, word_of
from gateway.surface.anthropic.render import STOP_REASONS
from gateway.surface.anthropic.wire import replies, requests
from tests.referees.openai_types import fields_of
from tests.stack import SECRET, stack_over

REQUESTS = {
    requests.MessageBody: message_create_params.MessageCreateParamsStreaming,
    requests.CountBody: message_count_tokens_params.MessageCountTokensParams,
    requests.CacheControl: types.CacheControlEphemeralParam,
    requests.TextBlockParam: types.TextBlockParam,
    requests.ImageBlockParam: types.ImageBlockParam,
    requests.Base64Source: types.Base64ImageSourceParam,
    requests.UrlSource: types.URLImageSourceParam,
    requests.PlainSource: types.PlainTextSourceParam,
    requests.ContentSource: types.ContentBlockSourceParam,
    requests.DocumentBlockParam: types.DocumentBlockParam,
    requests.CitationsConfigParam: types.CitationsConfigParam,
    requests.ToolUseBlockParam: types.ToolUseBlockParam,
    requests.ToolResultBlockParam: types.ToolResultBlockParam,
    requests.ThinkingBlockParam: types.ThinkingBlockParam,
    requests.RedactedThinkingBlockParam: types.RedactedThinkingBlockParam,
    requests.ToolParam: types.ToolParam,
    requests.ToolChoiceAutoParam: types.ToolChoiceAutoParam,
    requests.ToolChoiceAnyParam: types.ToolChoiceAnyParam,
    requests.ToolChoiceToolParam: types.ToolChoiceToolParam,
    requests.ToolChoiceNoneParam: types.ToolChoiceNoneParam,
    requests.ThinkingEnabled: types.ThinkingConfigEnabledParam,
    requests.ThinkingAdaptive: types.ThinkingConfigAdaptiveParam,
    requests.ThinkingDisabled: types.ThinkingConfigDisabledParam,
    requests.JsonFormat: types.JSONOutputFormatParam,
    requests.Metadata: types.MetadataParam,
    requests.OutputConfigParam: beta.BetaOutputConfigParam,
}
# Headers that the SDK writes its parameters into; and what its parser adds to replies, which may be sent back as received.
THEIRS = {requests.MessageBody: {"workspace_id"}, requests.CountBody: {"workspace_id"}}
OURS = {
    requests.TextBlockParam: {"parsed_output"},
    requests.MessageBody: {"quarry"},  # what only this gateway knows
    requests.CountBody: {"quarry"},
}
# Of the protocol, and no longer of the SDK's own parameters: extra_body carries them.
OLDER = {"temperature", "top_p", "top_k", "output_format"}


@pytest.mark.parametrize(("ours", "theirs"), REQUESTS.items(), ids=[kind.__name__ for kind in REQUESTS])
def test_request_fields(ours: type[msgspec.Struct], theirs: type) -> None:
    """We know every field that Anthropic has, so "unrecognized" is true of each field that we call so (trap 41)."""
    known = fields_of(ours) - OURS.get(ours, set())
    expected = set(typing.get_type_hints(theirs)) - THEIRS.get(ours, set())
    if ours in THEIRS:  # the beta's fields are known, too
        known &= expected | (known - set(typing.get_type_hints(beta_create_params.MessageCreateParamsStreaming)) - OLDER)

    assert known == expected


def test_reasons() -> None:
    """The words for why a message ended are Anthropic's, and each has its place in the table."""
    theirs = set(typing.get_args(types.StopReason))

    assert set(typing.get_args(replies.StopReason)) == theirs
    assert {word for words in STOP_REASONS.values() for word in words} == theirs


@pytest.mark.parametrize("kind", [kind for kind in WORDS if kind is not errors.BodyTooLarge], ids=lambda kind: kind.__name__)
def test_errors(kind: type[GatewayError]) -> None:
    """Each envelope is valid by the SDK's own type, under a type that the SDK knows."""
    _, body, _ = envelope(kind("POST"), "req-1")

    read = TypeAdapter(ErrorResponse).validate_json(body)
    assert read.request_id == "req-1"
    assert read.error.type == word_of(kind("POST")).type


CLASSES: dict[type[GatewayError], type[anthropic.APIStatusError]] = {
    errors.InvalidRequest: anthropic.BadRequestError,
    errors.BodyTooLarge: anthropic.APIStatusError,
    errors.NotAuthenticated: anthropic.AuthenticationError,
    errors.ModelNotAllowed: anthropic.PermissionDeniedError,
    errors.ModelNotFound: anthropic.NotFoundError,
    errors.UpstreamThrottled: anthropic.RateLimitError,
    errors.UpstreamError: anthropic.InternalServerError,
    errors.ModelFailed: anthropic.InternalServerError,
    errors.ModelNotReady: anthropic.OverloadedError,
    errors.NoTargetAvailable: anthropic.OverloadedError,
    errors.Overloaded: anthropic.OverloadedError,
    errors.DeadlineExceeded: anthropic.GatewayTimeoutError,
    errors.PromptNotWritten: anthropic.InternalServerError,
    GatewayError: anthropic.InternalServerError,
}
# Raised twice by a client that repeats once, or not: what a second try cannot mend, or would pay for twice, is final.
REPEATED = {
    errors.UpstreamThrottled,
    errors.UpstreamError,
    errors.ModelNotReady,
    errors.NoTargetAvailable,
    errors.Overloaded,
    errors.PromptNotWritten,
    GatewayError,
}


@pytest.mark.parametrize(("kind", "raised"), CLASSES.items(), ids=[kind.__name__ for kind in CLASSES])
def test_what_the_sdk_raises_and_repeats(kind: type[GatewayError], raised: type[anthropic.APIStatusError]) -> None:
    """The SDK's own typed error; and it tries again exactly where that may help."""
    client = anthropic.Anthropic(api_key="k")
    status, body, headers = envelope(kind("It went wrong"), "req-1")
    response = _response(status, body, {name.decode(): value.decode() for name, value in headers})

    error = client._make_status_error_from_response(response)

    assert isinstance(error, raised)
    assert client._should_retry(response) == (kind in REPEATED)
    client.close()


def _response(status: int, body: bytes, headers: dict[str, str]) -> Any:
    return httpx.Response(status, content=body, headers=headers, request=httpx.Request("POST", "http://gateway/v1/messages"))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A running gateway's, in a thread of its own."""
    urls: list[str] = []
    started, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        async with stack_over(World()) as stack:
            urls.append(stack.url)
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert started.wait(20)
        yield urls[0]
    finally:
        stop.set()
        thread.join()


def test_without_asyncio(url: str) -> None:
    """The client as most backends use it: whole, streamed, counted, refused."""
    ask: Any = {
        "model": "haiku-support",
        "max_tokens": 60,
        "messages": [{"role": "user", "content": "Tell me about the harbour."}],
    }
    with anthropic.Anthropic(base_url=url, api_key=SECRET, max_retries=0) as client:
        whole = client.messages.create(**ask)
        with client.messages.stream(**ask) as stream:
            text = "".join(stream.text_stream)
            streamed = stream.get_final_message()
        counted = client.messages.count_tokens(model="haiku-support", messages=ask["messages"])
        with pytest.raises(anthropic.NotFoundError):
            client.messages.create(**ask | {"model": "nobody"})

    assert whole.content[0].type == "text"
    assert text == whole.content[0].text
    assert (streamed.stop_reason, streamed.usage) == (whole.stop_reason, whole.usage)
    assert counted.input_tokens > 0


def test_the_betas_client(url: str) -> None:
    """The client's beta side, which asks with a query and a header of its own, is answered likewise."""
    with anthropic.Anthropic(base_url=url, api_key=SECRET, max_retries=0) as client:
        message = client.beta.messages.create(
            model="haiku-support", max_tokens=60, messages=[{"role": "user", "content": "Hello"}], betas=["something-2026-01-01"]
        )

    assert message.content
    assert json.loads(message.to_json())["type"] == "message"
