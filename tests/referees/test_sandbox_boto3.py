"""boto3 as the judge of the sandbox: it must not tell it from AWS. Bodies are those of AWS's parameter pages."""

import json
from datetime import datetime
from urllib.request import Request, urlopen

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import ClientError, EventStreamError

from gateway.sandbox.serve import background
from gateway.sandbox.world import World

REGION = "us-west-2"
LLAMA3 = (
    "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
)
QUESTION = "Count to 12"
COUNTED = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12."

BODIES = {
    "titan-support": {"inputText": f"User: {QUESTION}\nBot:", "textGenerationConfig": {"maxTokenCount": 200, "temperature": 0}},
    "command-light-support": {"prompt": QUESTION, "max_tokens": 200, "stream": True},
    "llama2-support": {"prompt": f"<s>[INST] {QUESTION} [/INST]", "max_gen_len": 200},
    "llama3-support": {"prompt": LLAMA3.format(QUESTION), "max_gen_len": 200},
    "llama3-70b-support": {"prompt": LLAMA3.format(QUESTION), "max_gen_len": 200, "temperature": 0.1},
    "haiku-support": {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 200,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": QUESTION}],
    },
    "nova-lite-support": {"messages": [{"role": "user", "content": [{"text": QUESTION}]}], "inferenceConfig": {"maxTokens": 200}},
    "gpt-oss-import": {"messages": [{"role": "user", "content": QUESTION}], "max_tokens": 200},
    "mistral-import": {"prompt": f"<s>[INST] {QUESTION} [/INST]", "max_tokens": 200},
    "cohere.command-r-v1:0": {"message": QUESTION, "max_tokens": 200},
}

# Where each family keeps its text: in the whole reply, and in one chunk of a stream ("" where a chunk has none).
WHOLE_TEXT = {
    "titan-support": lambda body: body["results"][0]["outputText"],
    "command-light-support": lambda body: body["generations"][0]["text"],
    "llama2-support": lambda body: body["generation"],
    "llama3-support": lambda body: body["generation"],
    "llama3-70b-support": lambda body: body["generation"],
    "haiku-support": lambda body: body["content"][0]["text"],
    "nova-lite-support": lambda body: body["output"]["message"]["content"][0]["text"],
    "gpt-oss-import": lambda body: body["choices"][0]["message"]["content"],
    "mistral-import": lambda body: body["outputs"][0]["text"],
    "cohere.command-r-v1:0": lambda body: body["text"],
}
CHUNK_TEXT = {
    "titan-support": lambda chunk: chunk["outputText"],
    "command-light-support": lambda chunk: chunk.get("text", ""),
    "llama2-support": lambda chunk: chunk["generation"],
    "llama3-support": lambda chunk: chunk["generation"],
    "llama3-70b-support": lambda chunk: chunk["generation"],
    "haiku-support": lambda chunk: chunk.get("delta", {}).get("text", ""),
    "nova-lite-support": lambda chunk: chunk.get("contentBlockDelta", {}).get("delta", {}).get("text", ""),
    "gpt-oss-import": lambda chunk: chunk["choices"][0]["delta"].get("content", ""),
    "mistral-import": lambda chunk: chunk["outputs"][0]["text"],
    "cohere.command-r-v1:0": lambda chunk: chunk.get("text", "") if chunk["event_type"] == "text-generation" else "",
}


@pytest.fixture(scope="module")
def world():
    return World()


@pytest.fixture(scope="module")
def url(world):
    with background(world) as address:
        yield address


@pytest.fixture(autouse=True)
def _fresh(world, monkeypatch):
    """Every test meets the world of the first day, and no stray bearer key changes who boto3 is."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    world.reset()


def make_client(service, url, *, key_id="sandbox", secret="sandbox", **config):
    settings = Config(retries={"total_max_attempts": 1}, read_timeout=10, **config)
    return boto3.client(
        service, endpoint_url=url, region_name=REGION, aws_access_key_id=key_id, aws_secret_access_key=secret, config=settings
    )


@pytest.fixture(scope="module")
def runtime(url):
    return make_client("bedrock-runtime", url)


@pytest.fixture(scope="module")
def control(url):
    return make_client("bedrock", url)


def api(url, method, path, body=None):
    request = Request(f"{url}/_sandbox/{path}", method=method, data=None if body is None else json.dumps(body).encode())
    with urlopen(request, timeout=10) as reply:
        return json.load(reply)


def arn_of(world, name):
    return world.shelf.find(name).arn


def invoke(runtime, world, name, body):
    reply = runtime.invoke_model(modelId=arn_of(world, name), body=json.dumps(body))
    return json.loads(reply["body"].read()), reply["ResponseMetadata"]["HTTPHeaders"]


def stream(runtime, world, name, body):
    reply = runtime.invoke_model_with_response_stream(modelId=arn_of(world, name), body=json.dumps(body))
    return [json.loads(event["chunk"]["bytes"]) for event in reply["body"]]


def refusal(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value


class TestInvoke:
    @pytest.mark.parametrize("name", BODIES)
    def test_whole_reply_holds_the_family_text_and_the_token_headers(self, runtime, world, name):
        """Every family answers in its own shape, and the headers no SDK models count its tokens."""
        body, headers = invoke(runtime, world, name, BODIES[name])

        assert WHOLE_TEXT[name](body).strip() == COUNTED
        assert int(headers["x-amzn-bedrock-input-token-count"]) > 0
        assert int(headers["x-amzn-bedrock-output-token-count"]) > 12
        assert headers["x-amzn-requestid"] == next(iter(world.log)).id

    @pytest.mark.parametrize("name", BODIES)
    def test_stream_says_the_same_as_the_whole_reply(self, runtime, world, name):
        """A stream's chunks join to the whole reply's text, in many chunks, and its metrics count the same tokens."""
        body, headers = invoke(runtime, world, name, BODIES[name])
        chunks = stream(runtime, world, name, BODIES[name])

        assert WHOLE_TEXT[name](body) == "".join(CHUNK_TEXT[name](chunk) for chunk in chunks)
        assert len(chunks) > 10
        metrics = chunks[-1]["amazon-bedrock-invocationMetrics"]
        assert int(headers["x-amzn-bedrock-input-token-count"]) == metrics["inputTokenCount"]
        assert int(headers["x-amzn-bedrock-output-token-count"]) == metrics["outputTokenCount"]
        assert not any("amazon-bedrock-invocationMetrics" in chunk for chunk in chunks[:-1])

    @pytest.mark.parametrize("name", BODIES)
    def test_same_request_same_reply(self, runtime, world, name):
        """The sandbox is deterministic down to ids and latencies."""
        assert invoke(runtime, world, name, BODIES[name])[0] == invoke(runtime, world, name, BODIES[name])[0]
        assert stream(runtime, world, name, BODIES[name]) == stream(runtime, world, name, BODIES[name])

    def test_titan_embedding_is_a_unit_vector(self, runtime, world):
        """An embedding has the dimensions that were asked for, and length one."""
        body, headers = invoke(runtime, world, "amazon.titan-embed-text-v2:0", {"inputText": "a red fox", "dimensions": 256})

        assert len(body["embedding"]) == 256
        assert sum(value * value for value in body["embedding"]) == pytest.approx(1)
        assert "x-amzn-bedrock-output-token-count" not in headers

    def test_embeddings_do_not_stream(self, runtime, world):
        """AWS's words for a model without streaming."""
        error = refusal(
            runtime.invoke_model_with_response_stream, modelId="amazon.titan-embed-text-v2:0", body='{"inputText": "hi"}'
        )

        assert error.response["Error"] == {"Code": "ValidationException", "Message": "The model is unsupported for streaming"}

    def test_wire_padding_is_there_and_boto3_ignores_it(self, runtime, world):
        """``p`` pads every frame; boto3 shows the bytes alone."""
        reply = runtime.invoke_model_with_response_stream(
            modelId=arn_of(world, "llama2-support"), body=json.dumps(BODIES["llama2-support"])
        )
        raw = [event.payload for event in reply["body"]._create_raw_event_generator()]

        assert all(1 <= len(json.loads(payload)["p"]) <= 62 for payload in raw)
        assert len({json.loads(payload)["p"] for payload in raw}) > 1


class TestImportedModels:
    def test_field_names_decide_the_format(self, runtime, world):
        """One ARN, three formats: prompt with max_gen_len, prompt with max_tokens, messages."""
        bedrock, _ = invoke(runtime, world, "gpt-oss-import", {"prompt": "Count to 3", "max_gen_len": 50})
        completion, _ = invoke(runtime, world, "gpt-oss-import", {"prompt": "Count to 3", "max_tokens": 50})
        chat, _ = invoke(runtime, world, "gpt-oss-import", {"messages": [{"role": "user", "content": "Count to 3"}]})

        assert bedrock["generation"] == "1, 2, 3."
        assert completion["choices"][0]["text"] == "1, 2, 3."
        assert completion["id"].startswith("cmpl-")
        assert chat["object"] == "chat.completion"

    def test_unknown_fields_are_ignored(self, runtime, world):
        """AWS says so of imported models."""
        body, _ = invoke(runtime, world, "mistral-import", BODIES["mistral-import"] | {"frequency_penalty": 3, "made_up": True})

        assert body["outputs"][0]["text"].strip() == COUNTED

    def test_cold_until_restored(self, url, runtime, world):
        """The first call to a cold model starts its restoration; it answers once that has taken its time on the clock."""
        arguments = {"modelId": arn_of(world, "qwen-import"), "body": '{"prompt": "Count to 3", "max_tokens": 20}'}
        with pytest.raises(runtime.exceptions.ModelNotReadyException, match="Wait and try your request again"):
            runtime.invoke_model(**arguments)
        api(url, "POST", "clock", {"advance_seconds": 29})
        again = refusal(runtime.invoke_model, **arguments)
        api(url, "POST", "clock", {"advance_seconds": 2})
        body = json.loads(runtime.invoke_model(**arguments)["body"].read())

        assert again.response["ResponseMetadata"]["HTTPStatusCode"] == 429
        assert body["choices"][0]["text"] == "1, 2, 3."

    def test_idle_model_is_evicted(self, url, runtime, world):
        """Five minutes without a call and an imported model is cold again."""
        invoke(runtime, world, "gpt-oss-import", BODIES["gpt-oss-import"])
        api(url, "POST", "clock", {"advance_seconds": 301})

        with pytest.raises(runtime.exceptions.ModelNotReadyException):
            invoke(runtime, world, "gpt-oss-import", BODIES["gpt-oss-import"])


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "code", "status", "message"),
        [
            pytest.param(
                {"modelId": "not.a-model"},
                "ValidationException",
                400,
                "The provided model identifier is invalid.",
                id="identifier",
            ),
            pytest.param(
                {"modelId": "arn:aws:bedrock:us-west-2:123456789012:provisioned-model/000000000000"},
                "ResourceNotFoundException",
                404,
                "The model that you requested could not be found. Check its ARN.",
                id="arn",
            ),
            pytest.param(
                {"body": "not json"},
                "ValidationException",
                400,
                "Malformed input request, please reformat your input and try again.",
                id="json",
            ),
            pytest.param(
                {"body": '{"prompt": "hi", "stop": ["x"]}'},
                "ValidationException",
                400,
                "Malformed input request: #: extraneous key [stop] is not permitted, please reformat your input and try again.",
                id="extraneous",
            ),
            pytest.param(
                {"body": '{"max_gen_len": 9000}'},
                "ValidationException",
                400,
                "Malformed input request: 2 schema violations found, please reformat your input and try again.",
                id="two",
            ),
        ],
    )
    def test_refusals_have_aws_names_statuses_and_words(self, runtime, world, arguments, code, status, message):
        """A refused request raises what AWS would raise."""
        whole = {"modelId": arn_of(world, "llama2-support"), "body": '{"prompt": "hi"}'} | arguments
        error = refusal(runtime.invoke_model, **whole)

        assert error.response["Error"] == {"Code": code, "Message": message}
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status
        assert type(error) is getattr(runtime.exceptions, code)

    @pytest.mark.parametrize(
        ("name", "status"),
        [
            ("AccessDeniedException", 403),
            ("InternalServerException", 500),
            ("ModelErrorException", 424),
            ("ModelNotReadyException", 429),
            ("ModelTimeoutException", 408),
            ("ResourceNotFoundException", 404),
            ("ServiceQuotaExceededException", 400),
            ("ServiceUnavailableException", 503),
            ("ThrottlingException", 429),
            ("ValidationException", 400),
        ],
    )
    def test_planted_error_raises_its_typed_exception(self, url, runtime, world, name, status):
        """Any AWS error by name, with the status that botocore's model gives it."""
        api(url, "PUT", "faults/planted", {"kind": "error", "name": name, "times": 1})
        error = refusal(runtime.invoke_model, modelId=arn_of(world, "titan-support"), body=json.dumps(BODIES["titan-support"]))

        assert type(error) is getattr(runtime.exceptions, name)
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status
        assert status == runtime.meta.service_model.shape_for(name).metadata["error"]["httpStatusCode"]
        assert invoke(runtime, world, "titan-support", BODIES["titan-support"])

    def test_model_error_carries_the_models_own_status(self, url, runtime, world):
        """``originalStatusCode`` arrives as a member of the exception."""
        api(url, "PUT", "faults/planted", {"kind": "error", "name": "ModelErrorException", "original_status_code": 500})
        error = refusal(runtime.invoke_model, modelId=arn_of(world, "titan-support"), body="{}")

        assert error.response["originalStatusCode"] == 500

    @pytest.mark.parametrize(
        "name", ["modelStreamErrorException", "throttlingException", "internalServerException", "modelTimeoutException"]
    )
    def test_exception_frame_raises_event_stream_error(self, url, runtime, world, name):
        """An exception inside a stream comes after its first chunks and carries the member's name."""
        api(url, "PUT", "faults/planted", {"kind": "exception_frame", "name": name, "message": "It broke.", "after_chunks": 3})
        reply = runtime.invoke_model_with_response_stream(
            modelId=arn_of(world, "haiku-support"), body=json.dumps(BODIES["haiku-support"])
        )
        seen = []
        with pytest.raises(EventStreamError, match="It broke") as caught:
            seen.extend(reply["body"])
        reply["body"].close()

        assert caught.value.response["Error"]["Code"] == name
        assert len(seen) == 3

    def test_bad_crc_is_noticed(self, url, runtime, world):
        """A frame with a wrong checksum raises in boto3's decoder."""
        api(url, "PUT", "faults/planted", {"kind": "bad_crc"})

        reply = runtime.invoke_model_with_response_stream(
            modelId=arn_of(world, "haiku-support"), body=json.dumps(BODIES["haiku-support"])
        )
        with pytest.raises(ChecksumMismatch):
            list(reply["body"])
        reply["body"].close()

    def test_clean_cut_is_a_silent_success_to_boto3(self, url, runtime, world):
        """Why a gateway must ask for the terminal chunk: boto3 does not notice that it is missing."""
        api(url, "PUT", "faults/planted", {"kind": "cut_mid_frame", "after_chunks": 4})

        assert len(stream(runtime, world, "haiku-support", BODIES["haiku-support"])) == 4


class TestCredentials:
    def test_unknown_key_id(self, url, world):
        """AWS's error for a key that nobody has."""
        error = refusal(make_client("bedrock-runtime", url, key_id="AKIANOBODY").converse, modelId="m", messages=[])

        assert error.response["Error"] == {
            "Code": "UnrecognizedClientException",
            "Message": "The security token included in the request is invalid.",
        }
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403

    def test_wrong_secret(self, url, world):
        """A signature made with another secret does not match."""
        error = refusal(make_client("bedrock", url, secret="wrong").list_imported_models)

        assert error.response["Error"]["Code"] == "InvalidSignatureException"
        assert "does not match the signature you provided" in error.response["Error"]["Message"]

    def test_unsigned(self, url, world):
        """Without any credentials the request is refused before it is read."""
        error = refusal(make_client("bedrock", url, signature_version=botocore.UNSIGNED).list_imported_models)

        assert error.response["Error"]["Code"] == "MissingAuthenticationTokenException"

    def test_query_strings_are_signed_too(self, control):
        """A signed request with parameters to be encoded is admitted."""
        assert control.list_imported_models(nameContains="a b/ü&=%", maxResults=5)["modelSummaries"] == []


class TestConverse:
    def test_whole(self, runtime, world):
        """The same question through Converse gets the same words."""
        reply = runtime.converse(
            modelId=arn_of(world, "haiku-support"),
            messages=[{"role": "user", "content": [{"text": QUESTION}]}],
            inferenceConfig={"maxTokens": 200},
        )

        assert reply["output"]["message"] == {"role": "assistant", "content": [{"text": COUNTED}]}
        assert reply["stopReason"] == "end_turn"
        usage = reply["usage"]
        assert usage["inputTokens"] + usage["outputTokens"] == usage["totalTokens"]
        assert reply["metrics"]["latencyMs"] > 0

    def test_stream_ends_with_usage_after_message_stop(self, runtime, world):
        """Events come in the recorded order."""
        reply = runtime.converse_stream(
            modelId=arn_of(world, "nova-lite-support"), messages=[{"role": "user", "content": [{"text": QUESTION}]}]
        )
        events = list(reply["stream"])

        assert [next(iter(event)) for event in events[:2]] == ["messageStart", "contentBlockDelta"]
        assert [next(iter(event)) for event in events[-3:]] == ["contentBlockStop", "messageStop", "metadata"]
        text = "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
        assert text == COUNTED

    def test_tool_use(self, runtime, world):
        """A tool that fits the question is called with arguments from its words."""
        schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
        tool = {"toolSpec": {"name": "get_weather", "description": "Weather in a city", "inputSchema": {"json": schema}}}
        reply = runtime.converse(
            modelId=arn_of(world, "haiku-support"),
            messages=[{"role": "user", "content": [{"text": "What is the weather in Lisbon?"}]}],
            toolConfig={"tools": [tool]},
        )

        assert reply["stopReason"] == "tool_use"
        assert reply["output"]["message"]["content"][-1]["toolUse"]["input"] == {"city": "Lisbon"}

    @pytest.mark.parametrize("name", ["gpt-oss-import", "amazon.titan-embed-text-v2:0"])
    def test_unsupported_models_are_refused_in_aws_words(self, runtime, world, name):
        """An import that does not support Converse, and a model that writes no text."""
        error = refusal(runtime.converse, modelId=arn_of(world, name), messages=[{"role": "user", "content": [{"text": "hi"}]}])

        assert "doesn't support the model that you provided" in error.response["Error"]["Message"]


def assert_fits(value, shape, where):
    """The parsed value has every required member of botocore's shape, no unknown one, and the right types."""
    if shape.type_name == "structure":
        assert set(shape.required_members) <= set(value), f"{where} lacks {set(shape.required_members) - set(value)}"
        assert set(value) <= set(shape.members), f"{where} has unknown {set(value) - set(shape.members)}"
        for name, member in value.items():
            assert_fits(member, shape.members[name], f"{where}.{name}")
    elif shape.type_name == "list":
        for position, item in enumerate(value):
            assert_fits(item, shape.member, f"{where}[{position}]")
    elif shape.type_name == "string":
        assert isinstance(value, str), where
        assert not shape.enum or value in shape.enum, f"{where}: {value} is none of {shape.enum}"
    else:
        expected = {"timestamp": datetime, "integer": int, "boolean": bool, "float": float, "map": dict}
        assert isinstance(value, expected[shape.type_name]), where


CUSTOM = "custom-model/anthropic.claude-3-haiku-20240307-v1:0:200k/e5ha1ku3c1au"
READS = {
    "GetProvisionedModelThroughput": {"provisionedModelId": "haiku-support"},
    "GetCustomModelDeployment": {"customModelDeploymentIdentifier": "llama3-70b-support"},
    "GetCustomModel": {"modelIdentifier": f"arn:aws:bedrock:us-west-2:123456789012:{CUSTOM}"},
    "GetImportedModel": {"modelIdentifier": "gpt-oss-import"},
    "GetFoundationModel": {"modelIdentifier": "anthropic.claude-3-haiku-20240307-v1:0:200k"},
    "ListProvisionedModelThroughputs": {"statusEquals": "InService"},
    "ListCustomModelDeployments": {},
    "ListCustomModels": {},
    "ListImportedModels": {},
    "ListFoundationModels": {"byCustomizationType": "FINE_TUNING"},
    "ListInferenceProfiles": {},
}


class TestControl:
    @pytest.mark.parametrize("operation", READS)
    def test_reads_fit_botocores_shapes(self, control, operation):
        """Every read has the members that botocore's model requires, of its types, and no others."""
        reply = getattr(control, botocore.xform_name(operation))(**READS[operation])
        metadata = reply.pop("ResponseMetadata")

        assert metadata["HTTPStatusCode"] == 200
        assert_fits(reply, control.meta.service_model.operation_model(operation).output_shape, operation)
        assert operation == "ListInferenceProfiles" or any(reply.values())

    def test_every_arn_leads_to_its_base(self, control, world):
        """From an opaque ARN to the base model, as a gateway walks it."""
        throughput = control.get_provisioned_model_throughput(provisionedModelId=arn_of(world, "titan-support"))
        deployment = control.get_custom_model_deployment(customModelDeploymentIdentifier=arn_of(world, "nova-lite-support"))
        custom = control.get_custom_model(modelIdentifier=deployment["modelArn"])

        assert throughput["foundationModelArn"].endswith("foundation-model/amazon.titan-text-express-v1:0:8k")
        assert "foundation-model/amazon.nova-lite-v1:0" in custom["baseModelArn"]

    def test_lists_come_in_pages(self, control):
        """boto3's paginator sees every throughput once."""
        pages = control.get_paginator("list_provisioned_model_throughputs").paginate(PaginationConfig={"PageSize": 2})
        names = [summary["provisionedModelName"] for page in pages for summary in page["provisionedModelSummaries"]]

        assert len(names) == len(set(names)) == 5

    @pytest.mark.parametrize(
        ("operation", "arguments"),
        [
            ("get_provisioned_model_throughput", {"provisionedModelId": "nobody"}),
            ("get_custom_model_deployment", {"customModelDeploymentIdentifier": "nobody"}),
            ("get_custom_model", {"modelIdentifier": "nobody"}),
            ("get_imported_model", {"modelIdentifier": "haiku-support"}),
            ("get_foundation_model", {"modelIdentifier": "no.body"}),
            ("get_inference_profile", {"inferenceProfileIdentifier": "nobody"}),
        ],
    )
    def test_what_is_not_there_is_not_found(self, control, operation, arguments):
        """404 ``ResourceNotFoundException``, also for a name of another kind."""
        with pytest.raises(control.exceptions.ResourceNotFoundException):
            getattr(control, operation)(**arguments)
