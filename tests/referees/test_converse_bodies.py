"""botocore judges what ``converse`` sends and reads: its model of the operation is AWS's own."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.model import OperationModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.session import Session
from botocore.validate import ParamValidator
from msgspec.structs import replace

from adapters import FAMILIES
from adapters.chat import (
    CachePoint,
    ChatRequest,
    Document,
    Image,
    Message,
    Reasoning,
    ResponseFormat,
    Sampling,
    Text,
    ToolCall,
    ToolChoice,
    ToolSpec,
)
from adapters.deltas import assemble

GOLDEN = Path(__file__).parents[1] / "golden" / "converse"
SCHEMA = {"type": "object", "properties": {"zone": {"type": "string"}}}
FULL = ChatRequest(
    (
        Message("system", (Text("Be brief."), CachePoint())),
        Message(
            "user",
            (
                Document("application/pdf", "JVBERi0xLjQ=", "house_rules.pdf"),
                Document("text/plain", "Breakfast: 7", "x" * 300),
                Image("image/webp", "UklGRg=="),
                Text("When is breakfast?"),
            ),
        ),
        Message(
            "assistant",
            (Reasoning("The rules say it.", "c2VhbA=="), Reasoning(redacted="ZmFyIG91dA=="), Text("Let me look.")),
            tool_calls=(ToolCall("call.1:a", "clock", '{"zone": "WET"}'), ToolCall("x" * 99, "clock", "")),
        ),
        Message("tool", (Text("6:40"), Image("image/png", "iVBORw0KGgo="), CachePoint()), tool_call_id="call.1:a"),
        Message("tool", (), tool_call_id="x" * 99, is_error=True),
    ),
    Sampling(max_tokens=256, temperature=0.5, top_p=0.9, stop=("END", "\n")),
    tools=(ToolSpec("clock", "The time", SCHEMA, strict=True, cache_point=CachePoint()), ToolSpec("now", None, {})),
    tool_choice=ToolChoice("named", "clock"),
)
REQUESTS = {
    "everything": FULL,
    "no tools": replace(FULL, tools=(), tool_choice=None),
    "an answer in JSON": replace(FULL, tools=(), tool_choice=None, response_format=ResponseFormat("json_schema", "a", SCHEMA)),
    "one word": ChatRequest((Message("user", (Text("Hi"),)),), Sampling(max_tokens=9)),
}


@pytest.fixture(scope="module", params=["Converse", "ConverseStream"])
def operation(request: pytest.FixtureRequest) -> OperationModel:
    """What botocore knows of an operation that takes this body."""
    return Session().get_service_model("bedrock-runtime").operation_model(request.param)


def parameters(value: Any) -> Any:
    """The body as a caller of boto3 would write it: bytes where the wire has base64."""
    if isinstance(value, list):
        return [parameters(member) for member in value]
    if not isinstance(value, dict):
        return value
    blobs = {"bytes", "redactedContent"}
    return {key: base64.b64decode(member) if key in blobs else parameters(member) for key, member in value.items()}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_a_body_is_what_boto3_sends(operation: OperationModel, request_: ChatRequest) -> None:
    """botocore finds nothing wrong with it, and of the same parameters makes the same body."""
    body = json.loads(FAMILIES["converse"].encode(request_, False))
    asked = {"modelId": "m", **parameters(body)}

    report = ParamValidator().validate(asked, operation.input_shape)
    sent = create_serializer("rest-json").serialize_to_request(asked, operation)["body"]

    assert not report.has_errors(), report.generate_report()
    assert json.loads(sent) == body


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.reply.json")), ids=lambda file: file.name.partition(".")[0])
def test_a_golden_reply_is_what_boto3_reads(file: Path) -> None:
    """Every block and count of the golden replies is one that botocore knows, and both read the same from it."""
    shape = Session().get_service_model("bedrock-runtime").operation_model("Converse").output_shape
    parsed = create_parser("rest-json").parse({"status_code": 200, "headers": {}, "body": file.read_bytes()}, shape)
    content, usage = parsed["output"]["message"]["content"], parsed["usage"]

    assert all("SDK_UNKNOWN_MEMBER" not in block for block in content)
    if parsed["stopReason"].startswith("malformed"):
        return
    reply = assemble(FAMILIES["converse"].decode(file.read_bytes(), REQUESTS["one word"], None))
    cited = [part for block in content for part in block.get("citationsContent", {}).get("content", ())]
    assert reply.text == "".join(block.get("text", "") for block in [*content, *cited])
    assert [call.id for call in reply.tool_calls] == [block["toolUse"]["toolUseId"] for block in content if "toolUse" in block]
    assert reply.usage is not None
    assert reply.usage.input_tokens + reply.usage.output_tokens == usage["totalTokens"]
