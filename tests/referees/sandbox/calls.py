"""How boto3 is asked here: a client, a body of every family, and where each keeps its text. Bodies are those of AWS's parameter pages."""

import json
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

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
    "mistral.mistral-large-2407-v1:0": {"messages": [{"role": "user", "content": QUESTION}], "max_tokens": 200},
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
    "mistral.mistral-large-2407-v1:0": lambda body: body["choices"][0]["message"]["content"],
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
    "mistral.mistral-large-2407-v1:0": lambda chunk: chunk["choices"][0]["message"]["content"],
}


def make_client(service, url, *, key_id="sandbox", secret="sandbox", **config):
    settings = Config(retries={"total_max_attempts": 1}, read_timeout=10, **config)
    return boto3.client(
        service, endpoint_url=url, region_name=REGION, aws_access_key_id=key_id, aws_secret_access_key=secret, config=settings
    )


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
