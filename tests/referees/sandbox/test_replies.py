"""boto3 reads the sandbox's replies: it must not tell them from AWS's."""

import json

import pytest

from tests.referees.sandbox.calls import (
    BODIES,
    CHUNK_TEXT,
    COUNTED,
    QUESTION,
    WHOLE_TEXT,
    api,
    arn_of,
    invoke,
    refusal,
    stream,
)


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

    def test_the_stop_sequence_of_claude(self, runtime, world):
        """A field of the model's own is shown where it was asked for, whole and streamed."""
        asked = {
            "modelId": arn_of(world, "haiku-support"),
            "messages": [{"role": "user", "content": [{"text": "Count to 9"}]}],
            "inferenceConfig": {"stopSequences": [", 4"]},
            "additionalModelResponseFieldPaths": ["/stop_sequence"],
        }
        whole = runtime.converse(**asked)
        events = list(runtime.converse_stream(**asked)["stream"])

        assert whole["additionalModelResponseFields"] == {"stop_sequence": ", 4"}
        (stop,) = [event["messageStop"] for event in events if "messageStop" in event]
        assert stop == {"stopReason": "stop_sequence", "additionalModelResponseFields": {"stop_sequence": ", 4"}}

    def test_a_document_of_text_is_read(self, runtime, world):
        """What stands in it answers the question."""
        document = {
            "format": "txt",
            "name": "house rules",
            "source": {"bytes": b"Breakfast is served at seven. Quiet hours start at ten."},
        }
        reply = runtime.converse(
            modelId=arn_of(world, "haiku-support"),
            messages=[{"role": "user", "content": [{"document": document}, {"text": "When is breakfast served?"}]}],
        )

        assert "seven" in reply["output"]["message"]["content"][0]["text"]

    def test_novas_schemas_are_refused_by_nova(self, runtime, world):
        """Converse hands on what the model itself says of a tool."""
        tool = {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object", "$defs": {}}}}}
        error = refusal(
            runtime.converse,
            modelId=arn_of(world, "nova-lite-support"),
            messages=[{"role": "user", "content": [{"text": "hi"}]}],
            toolConfig={"tools": [tool]},
        )

        assert error.response["Error"]["Message"] == (
            "The model returned the following errors: Malformed input request: #/toolConfig/tools/0/toolSpec/inputSchema/json: "
            "extraneous key [$defs] is not permitted, please reformat your input and try again."
        )

    @pytest.mark.parametrize("name", ["gpt-oss-import", "amazon.titan-embed-text-v2:0"])
    def test_unsupported_models_are_refused_in_aws_words(self, runtime, world, name):
        """An import that does not support Converse, and a model that writes no text."""
        error = refusal(runtime.converse, modelId=arn_of(world, name), messages=[{"role": "user", "content": [{"text": "hi"}]}])

        assert "doesn't support the model that you provided" in error.response["Error"]["Message"]
