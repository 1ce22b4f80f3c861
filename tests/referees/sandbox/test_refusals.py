"""boto3 raises the sandbox's refusals: its own typed errors, in AWS's words."""

import json

import botocore.session
import pytest
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import EventStreamError

from tests.referees.sandbox.calls import (
    BODIES,
    api,
    arn_of,
    invoke,
    make_client,
    refusal,
    stream,
)


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
