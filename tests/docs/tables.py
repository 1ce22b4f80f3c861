"""The tables of docs/chat.md and docs/bedrock.md, made from what the code says and from what the official SDKs do. Compares nothing."""

import inspect
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import openai
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.hooks import first_non_none_response

from gateway.errors import GatewayError
from gateway.keys import sigv4
from gateway.surface import problems
from gateway.surface.bedrock import problems as aws
from tests.referees.bedrock.calls import session

NO, YES = "—", "yes"
HARMLESS_IN_A_TABLE = str.maketrans({"|": "\\|"})
OWN_FAULT = "Something went wrong in the gateway itself."


def errors() -> str:
    """Every class that a caller can meet, and what the official Python client makes of its reply."""
    kinds = sorted(_public_errors(), key=lambda kind: kind.status)
    return _table(
        ["status", "type", "code", "cause", "the SDK raises", "and repeats"],
        [
            [f"{kind.status}", f"`{kind.type}`", f"`{kind.code}`" if kind.code else "none", _cause(kind), *_met_by_the_sdk(kind)]
            for kind in kinds
        ],
    )


def aws_errors() -> str:
    """What Bedrock's own protocol calls each class, and whether botocore asks again by itself."""
    met = {GatewayError.__module__, problems.__name__, sigv4.__name__}
    kinds = [kind for kind in descendants(GatewayError) if kind.__module__ in met]
    lines: dict[tuple[int, str], list[str]] = {}
    for kind in kinds:
        name, status = aws.name_of(kind("POST"))
        lines.setdefault((status, name), []).append(_cause(kind))
    return _table(
        ["status", "name", "cause", "botocore repeats"],
        [
            [f"{status}", f"`{name}`", " ".join(causes), YES if _is_repeated(name, status) else "no"]
            for (status, name), causes in sorted(lines.items())
        ],
    )


def _is_repeated(name: str, status: int) -> bool:
    """Whether botocore asks again, which its two retry modes must agree on: a client of each is told of such a reply."""
    parsed = {"Error": {"Code": name, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
    answers = set()
    for mode in ("legacy", "standard"):
        client = session().client(
            "bedrock-runtime",
            region_name="us-west-2",
            aws_access_key_id="a",
            aws_secret_access_key="b",
            config=Config(retries={"mode": mode, "total_max_attempts": 2}),
        )
        delays = client.meta.events.emit(
            "needs-retry.bedrock-runtime.Converse",
            response=(AWSResponse("http://gateway", status, {}, None), parsed),
            endpoint=None,
            operation=client.meta.service_model.operation_model("Converse"),
            attempts=1,
            caught_exception=None,
            request_dict={"context": {}},
        )
        answers.add(first_non_none_response(delays) is not None)
    (answer,) = answers
    return answer


def descendants(root: type[GatewayError]) -> Iterator[type[GatewayError]]:
    """A class and everything below it, level by level."""
    waiting = [root]
    while waiting:
        kind = waiting.pop(0)
        yield kind
        waiting += kind.__subclasses__()


def _public_errors() -> Iterator[type[GatewayError]]:
    """All but those of signatures, which only Bedrock's own protocol has."""
    for kind in descendants(GatewayError):
        if kind.__module__.startswith("gateway.") and kind.__module__ != sigv4.__name__:
            yield kind


def _cause(kind: type[GatewayError]) -> str:
    said = OWN_FAULT if kind is GatewayError else (inspect.getdoc(kind) or "").split("\n\n", maxsplit=1)[0]
    return " ".join(said.split()).replace("``", "`").translate(HARMLESS_IN_A_TABLE)


def _met_by_the_sdk(kind: type[GatewayError]) -> tuple[str, str]:
    """The type that the client raises, and whether it asks again by itself."""
    error = kind("the message")
    status, body, headers = problems.envelope(error)
    asked = 0

    def answer(_request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return httpx.Response(status, content=body, headers=[*headers, (b"retry-after-ms", b"1")])

    client = openai.OpenAI(
        base_url="http://gateway/v1", api_key="k", max_retries=1, http_client=httpx.Client(transport=httpx.MockTransport(answer))
    )
    with client:
        try:
            client.models.list()
        except openai.APIStatusError as raised:
            return f"`{type(raised).__name__}`", YES if asked > 1 else "no"
    raise AssertionError(f"{kind.__name__} is no error to the SDK")


def _table(heads: list[str], rows: Iterable[list[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in lines)
