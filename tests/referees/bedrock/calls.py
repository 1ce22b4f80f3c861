"""How AWS's SDK is asked here: unmodified boto3, told an endpoint and a gateway's key."""

import gc
import json
import warnings
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

REGION = "us-west-2"
QUESTION = "Count to 12"
COUNTED = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12."
ASK: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": QUESTION}]}], "inferenceConfig": {"maxTokens": 100}}


@cache
def session() -> boto3.Session:
    """One for all: a session of one's own reads botocore's models anew, which takes longer than any test here."""
    return boto3.Session()


def client(url: str, *, key_id: str | None = None, secret: str | None = None, verify: str | None = None, **config: Any) -> Any:
    """A client of the gateway: with its key as the bearer token of the environment, or with a pair that it signs with."""
    settings = Config(**({"retries": {"total_max_attempts": 1}, "read_timeout": 20} | config))
    return session().client(
        "bedrock-runtime",
        endpoint_url=f"{url}/bedrock",
        region_name=REGION,
        config=settings,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        verify=verify,
    )


def invoke(runtime: Any, alias: str, body: dict[str, Any], **more: Any) -> tuple[bytes, dict[str, str]]:
    """A whole native reply, and its headers."""
    reply = runtime.invoke_model(modelId=alias, body=json.dumps(body), **more)
    return reply["body"].read(), reply["ResponseMetadata"]["HTTPHeaders"]


def stream(runtime: Any, alias: str, body: dict[str, Any], **more: Any) -> list[bytes]:
    """The native chunks of a stream."""
    reply = runtime.invoke_model_with_response_stream(modelId=alias, body=json.dumps(body), **more)
    return [event["chunk"]["bytes"] for event in reply["body"]]


def said(events: list[dict[str, Any]]) -> str:
    """The text of a Converse stream."""
    return "".join(event["contentBlockDelta"]["delta"].get("text", "") for event in events if "contentBlockDelta" in event)


def collect_sockets() -> None:
    """Let go of what a library has left open, without the warning that is ours to heed and not its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
