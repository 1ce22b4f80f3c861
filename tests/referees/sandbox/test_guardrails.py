"""boto3 asks the sandbox's guardrails, and cannot tell them from AWS's."""

import json

import pytest

from gateway.sandbox.guardrails import guardrails
from tests.referees.sandbox.calls import CHUNK_TEXT, WHOLE_TEXT, arn_of, refusal

RAIL = guardrails()[0]
NAMED = {"guardrailIdentifier": RAIL.id, "guardrailVersion": "1"}
TITAN = "titan-support"


def judged(runtime, source, *texts, **changes):
    content = [{"text": {"text": text}} for text in texts]
    return runtime.apply_guardrail(**NAMED | {"source": source, "content": content} | changes)


@pytest.mark.parametrize(
    ("source", "texts", "action", "outputs"),
    [
        ("INPUT", ["All is well."], "NONE", []),
        ("INPUT", ["Some Contraband here."], "GUARDRAIL_INTERVENED", [RAIL.input_message]),
        ("INPUT", ["The smuggler."], "NONE", []),
        ("OUTPUT", ["The smuggler."], "GUARDRAIL_INTERVENED", [RAIL.output_message]),
        ("OUTPUT", ["hello", "ann@example.com!"], "GUARDRAIL_INTERVENED", ["hello", "{EMAIL}!"]),
    ],
    ids=["nothing", "a word in a question", "not there", "a word in an answer", "an address"],
)
def test_texts_are_judged(runtime, source, texts, action, outputs):
    """The reply has every member that botocore's model requires."""
    reply = judged(runtime, source, *texts)

    assert (reply["action"], [output["text"] for output in reply["outputs"]]) == (action, outputs)
    assert {"topicPolicyUnits", "wordPolicyUnits", "sensitiveInformationPolicyFreeUnits"} <= reply["usage"].keys()
    assert reply["guardrailCoverage"]["textCharacters"]["total"] == sum(map(len, texts))


@pytest.mark.parametrize("name", [{"guardrailIdentifier": "nobody"}, {"guardrailVersion": "7"}], ids=["id", "version"])
def test_an_unknown_one(runtime, world, name):
    """Is AWS's own error, by either way."""
    content = [{"text": {"text": "hi"}}]
    error = refusal(runtime.apply_guardrail, **NAMED | name, source="INPUT", content=content)
    inside = refusal(runtime.invoke_model, modelId=arn_of(world, TITAN), body=json.dumps({"inputText": "hi"}), **NAMED | name)

    assert error.response["Error"]["Code"] == "ResourceNotFoundException"
    assert inside.response["Error"]["Code"] == "ValidationException"


def test_it_is_found_by_its_arn(runtime, world):
    """As AWS finds it."""
    assert judged(runtime, "INPUT", "hi", guardrailIdentifier=RAIL.arn(world.region))["action"] == "NONE"


SAID = {
    "a blocked question": ("Where is contraband?", RAIL.input_message, "INTERVENED"),
    "a blocked answer": ("Say: a smuggler", RAIL.output_message, "INTERVENED"),
    "a masked question": ("Say: ann@example.com", "{EMAIL}", "INTERVENED"),
    "nothing": ("Say: fine", "fine", "NONE"),
}


@pytest.mark.parametrize(("text", "said", "action"), SAID.values(), ids=SAID.keys())
def test_inside_an_invocation(runtime, world, text, said, action):
    """The action stands beside the body and in every chunk, and whole numbers have become floats."""
    request = {"modelId": arn_of(world, TITAN), "body": json.dumps({"inputText": f"User: {text}\nBot:"}), **NAMED}
    body = json.loads(runtime.invoke_model(**request)["body"].read())
    events = runtime.invoke_model_with_response_stream(**request)["body"]
    chunks = [json.loads(event["chunk"]["bytes"]) for event in events]

    assert (WHOLE_TEXT[TITAN](body).strip(), body["amazon-bedrock-guardrailAction"]) == (said, action)
    assert isinstance(body["inputTextTokenCount"], float)
    assert "".join(map(CHUNK_TEXT[TITAN], chunks)).strip() == said
    assert {chunk["amazon-bedrock-guardrailAction"] for chunk in chunks} == {action}


def test_a_trace_when_asked_for(runtime, world):
    """In the body, and in the last chunk."""
    request = {"modelId": arn_of(world, TITAN), "body": json.dumps({"inputText": "contraband"}), "trace": "ENABLED", **NAMED}
    body = json.loads(runtime.invoke_model(**request)["body"].read())

    assert body["amazon-bedrock-trace"]["guardrail"]["input"][RAIL.id]["wordPolicy"]["customWords"][0]["match"] == "contraband"


@pytest.mark.parametrize(("text", "said", "action"), SAID.values(), ids=SAID.keys())
def test_inside_converse(runtime, world, text, said, action):
    """The reason says it, and the trace says why."""
    request = {
        "modelId": arn_of(world, "haiku-support"),
        "messages": [{"role": "user", "content": [{"text": text}]}],
        "guardrailConfig": NAMED | {"trace": "enabled"},
    }
    reply = runtime.converse(**request)
    events = list(runtime.converse_stream(**request)["stream"])
    reason = "guardrail_intervened" if action == "INTERVENED" else "end_turn"

    assert (reply["output"]["message"]["content"][0]["text"], reply["stopReason"]) == (said, reason)
    assert RAIL.id in reply["trace"]["guardrail"]["inputAssessment"]
    assert next(event["messageStop"]["stopReason"] for event in events if "messageStop" in event) == reason
    assert RAIL.id in next(event["metadata"]["trace"]["guardrail"]["inputAssessment"] for event in events if "metadata" in event)


def test_an_imported_model_passes_it_over(runtime, world):
    """What counts on a guardrail there is seen to fail."""
    body = json.dumps({"messages": [{"role": "user", "content": "Say: contraband"}], "max_tokens": 20})
    reply = json.loads(runtime.invoke_model(modelId=arn_of(world, "gpt-oss-import"), body=body, **NAMED)["body"].read())

    assert reply["choices"][0]["message"]["content"] == "contraband"
