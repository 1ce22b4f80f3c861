"""boto3 identifies what an ARN is: the sandbox's control-plane reads have botocore's shapes."""

from datetime import datetime

import botocore.session
import pytest

from tests.referees.sandbox.calls import arn_of


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
    "GetInferenceProfile": {"inferenceProfileIdentifier": "us.anthropic.claude-3-haiku-20240307-v1:0"},
    "GetFoundationModel": {"modelIdentifier": "anthropic.claude-3-haiku-20240307-v1:0:200k"},
    "ListProvisionedModelThroughputs": {"statusEquals": "InService"},
    "ListCustomModelDeployments": {},
    "ListCustomModels": {},
    "ListImportedModels": {},
    "ListFoundationModels": {"byCustomizationType": "FINE_TUNING"},
    "ListInferenceProfiles": {"typeEquals": "APPLICATION"},
}


class TestControl:
    @pytest.mark.parametrize("operation", READS)
    def test_reads_fit_botocores_shapes(self, control, operation):
        """Every read has the members that botocore's model requires, of its types, and no others."""
        reply = getattr(control, botocore.xform_name(operation))(**READS[operation])
        metadata = reply.pop("ResponseMetadata")

        assert metadata["HTTPStatusCode"] == 200
        assert_fits(reply, control.meta.service_model.operation_model(operation).output_shape, operation)
        assert any(reply.values())

    def test_every_arn_leads_to_its_base(self, control, world):
        """From an opaque ARN to the base model, as a gateway walks it."""
        throughput = control.get_provisioned_model_throughput(provisionedModelId=arn_of(world, "titan-support"))
        deployment = control.get_custom_model_deployment(customModelDeploymentIdentifier=arn_of(world, "nova-lite-support"))
        custom = control.get_custom_model(modelIdentifier=deployment["modelArn"])

        assert throughput["foundationModelArn"].endswith("foundation-model/amazon.titan-text-express-v1:0:8k")
        assert "foundation-model/amazon.nova-lite-v1:0" in custom["baseModelArn"]

    def test_profiles_lead_to_their_base(self, control, runtime):
        """AWS's own profiles are listed unless the account's are asked for; both name a model, and both can be called."""
        own = control.list_inference_profiles()["inferenceProfileSummaries"]
        (named,) = control.list_inference_profiles(typeEquals="APPLICATION")["inferenceProfileSummaries"]
        read = control.get_inference_profile(inferenceProfileIdentifier=named["inferenceProfileArn"])
        told = runtime.converse(modelId=named["inferenceProfileArn"], messages=[{"role": "user", "content": [{"text": "Hello"}]}])

        assert {profile["type"] for profile in own} == {"SYSTEM_DEFINED"}
        assert read["models"][0]["modelArn"].endswith("foundation-model/amazon.nova-lite-v1:0")
        assert told["output"]["message"]["content"]

    def test_lists_come_in_pages(self, control, world):
        """boto3's paginator sees every throughput once."""
        pages = control.get_paginator("list_provisioned_model_throughputs").paginate(PaginationConfig={"PageSize": 2})
        names = [summary["provisionedModelName"] for page in pages for summary in page["provisionedModelSummaries"]]

        assert sorted(names) == sorted(model.name for model in world.shelf.of_kind("provisioned-model"))

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
