"""``bedrock``: the reads that tell what an ARN is. Source: botocore's service model 2023-04-20; writes come later.

Every list answers in one page unless ``maxResults`` says otherwise; ``nextToken`` is the position to go on from.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from gateway.sandbox import reply
from gateway.sandbox.caller import Caller
from gateway.sandbox.dialects.dialect import Json
from gateway.sandbox.errors import AwsError, invalid
from gateway.sandbox.log import Record
from gateway.sandbox.models import BASES, Base, Kind, Model, foundation_arn
from gateway.sandbox.profiles import CREATED, Profile
from gateway.sandbox.reply import Reply, Request
from gateway.sandbox.world import World


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _of_kind(world: World, kind: Kind, identifier: str) -> Model:
    """A model of this kind by name or ARN.

    Raises:
        AwsError: ``ResourceNotFoundException``.
    """
    model = world.shelf.find(identifier)
    if model is None or model.kind != kind:
        raise AwsError("ResourceNotFoundException", f"The provided {kind} identifier does not exist: {identifier}")
    return model


def _throughput(model: Model, region: str) -> Json:
    return {
        "modelUnits": 1,
        "desiredModelUnits": 1,
        "provisionedModelName": model.name,
        "provisionedModelArn": model.arn,
        "modelArn": model.custom_model_arn,
        "desiredModelArn": model.custom_model_arn,
        "foundationModelArn": foundation_arn(model.base, region, contextual=True),
        "status": model.status or "InService",
        "creationTime": _time(model.created),
        "lastModifiedTime": _time(model.created),
    }


def _deployment(model: Model, _region: str) -> Json:
    return {
        "customModelDeploymentArn": model.arn,
        "modelDeploymentName": model.name,
        "modelArn": model.custom_model_arn,
        "createdAt": _time(model.created),
        "status": model.status or "Active",
        "lastUpdatedAt": _time(model.created),
    }


def _deployment_summary(model: Model, region: str) -> Json:
    """The same as one deployment, but here AWS calls the name ``customModelDeploymentName``."""
    told = _deployment(model, region)
    return told | {"customModelDeploymentName": told.pop("modelDeploymentName")}


def _imported(model: Model, _region: str) -> Json:
    identifier = model.arn.rpartition("/")[2]
    return {
        "modelArn": model.arn,
        "modelName": model.name,
        "jobName": f"import-{model.name}",
        "jobArn": model.arn.replace("imported-model/", "model-import-job/"),
        "modelDataSource": {"s3DataSource": {"s3Uri": f"s3://quarry-sandbox/models/{identifier}/"}},
        "creationTime": _time(model.created),
        "modelArchitecture": model.architecture,
        "instructSupported": model.instruct,
        "customModelUnits": {"customModelUnitsPerModelCopy": 1, "customModelUnitsVersion": "v1.0"},
    }


def _imported_summary(model: Model, region: str) -> Json:
    told = _imported(model, region)
    return {key: told[key] for key in ("modelArn", "modelName", "creationTime", "instructSupported", "modelArchitecture")}


def _custom(model: Model, region: str) -> Json:
    arn = model.custom_model_arn or ""
    return {
        "modelArn": arn,
        "modelName": f"{model.name}-model",
        "jobName": f"tune-{model.name}",
        "jobArn": arn.replace("custom-model/", "model-customization-job/"),
        "baseModelArn": foundation_arn(model.base, region, contextual=True),
        "customizationType": "FINE_TUNING",
        "hyperParameters": {"epochCount": "2", "batchSize": "8", "learningRate": "0.00001"},
        "trainingDataConfig": {"s3Uri": "s3://quarry-sandbox/training/train.jsonl"},
        "outputDataConfig": {"s3Uri": "s3://quarry-sandbox/output/"},
        "trainingMetrics": {"trainingLoss": 0.51},
        "validationMetrics": [],
        "creationTime": _time(model.created),
        "modelStatus": "Active",
    }


def _custom_summary(model: Model, region: str) -> Json:
    told = _custom(model, region)
    summary = {
        key: told[key] for key in ("modelArn", "modelName", "creationTime", "baseModelArn", "customizationType", "modelStatus")
    }
    # Recorded replies leave the base model's name empty.
    return summary | {"baseModelName": "", "ownerAccountId": model.arn.split(":")[4]}


def _foundation(base: Base, region: str) -> Json:
    return {
        "modelArn": foundation_arn(base, region),
        "modelId": base.model_id,
        "modelName": base.name,
        "providerName": base.provider,
        "inputModalities": list(base.modalities),
        "outputModalities": [base.writes],
        "responseStreamingSupported": base.streams,
        "customizationsSupported": ["FINE_TUNING"] if base.tunable else [],
        "inferenceTypesSupported": ["ON_DEMAND", "PROVISIONED"] if base.tunable else ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
    }


async def get_throughput(world: World, identifier: str, _request: Request, _record: Record, _caller: Caller) -> Reply:
    return reply.whole(200, _throughput(_of_kind(world, "provisioned-model", identifier), world.region))


async def get_deployment(world: World, identifier: str, _request: Request, _record: Record, _caller: Caller) -> Reply:
    return reply.whole(200, _deployment(_of_kind(world, "custom-model-deployment", identifier), world.region))


async def get_imported(world: World, identifier: str, _request: Request, _record: Record, _caller: Caller) -> Reply:
    return reply.whole(200, _imported(_of_kind(world, "imported-model", identifier), world.region))


async def get_custom(world: World, identifier: str, _request: Request, _record: Record, _caller: Caller) -> Reply:
    for model in _customised(world):
        if identifier in {model.custom_model_arn, f"{model.name}-model"}:
            return reply.whole(200, _custom(model, world.region))
    raise AwsError("ResourceNotFoundException", f"The provided custom model identifier does not exist: {identifier}")


async def get_foundation(world: World, identifier: str, _request: Request, _record: Record, _caller: Caller) -> Reply:
    model_id = identifier.rpartition("foundation-model/")[2]
    for base in BASES:
        if model_id in {base.model_id, base.model_id + base.context}:
            # The contextual variant is a model of its own at AWS, with its own id.
            told = _foundation(base, world.region)
            own = {"modelId": model_id, "modelArn": told["modelArn"].replace(base.model_id, model_id)}
            return reply.whole(200, {"modelDetails": told | own})
    raise AwsError("ResourceNotFoundException", "Could not resolve the foundation model from the provided model identifier.")


async def get_profile(world: World, identifier: str, _request: Request, _record: Record, _caller: Caller) -> Reply:
    profile = world.shelf.profile(identifier)
    if profile is None:
        raise AwsError("ResourceNotFoundException", f"The provided inference profile identifier does not exist: {identifier}")
    return reply.whole(200, _profile(profile))


def _profile(profile: Profile) -> Json:
    return {
        "inferenceProfileName": profile.name,
        "inferenceProfileId": profile.id,
        "inferenceProfileArn": profile.arn,
        "models": [{"modelArn": f"arn:aws:bedrock:{region}::foundation-model/{profile.model_id}"} for region in profile.regions],
        "createdAt": _time(CREATED),
        "updatedAt": _time(CREATED),
        "status": "ACTIVE",
        "type": profile.type,
    }


def _customised(world: World) -> list[Model]:
    return [model for model in world.shelf.entries if model.custom_model_arn]


def _page(items: Iterable[Json], request: Request, member: str) -> Reply:
    """One page of a list.

    Raises:
        AwsError: ``maxResults`` or ``nextToken`` is no number that we gave.
    """
    parameters = request.parameters
    wanted, token = parameters.get("maxResults", "1000"), parameters.get("nextToken", "0")
    if not wanted.isdecimal() or not 1 <= int(wanted) <= 1000:
        raise invalid(f"Value {wanted} at 'maxResults' failed to satisfy constraint: Member must be between 1 and 1000")
    if not token.isdecimal():
        raise invalid("The provided nextToken is invalid.")
    everything, start, size = list(items), int(token), int(wanted)
    page: Json = {member: everything[start : start + size]}
    return reply.whole(200, page | ({"nextToken": str(start + size)} if start + size < len(everything) else {}))


# Query parameter -> the member of a summary that it is compared with.
_EQUALS = {
    "statusEquals": "status",
    "modelArnEquals": "modelArn",
    "baseModelArnEquals": "baseModelArn",
    "foundationModelArnEquals": "baseModelArn",
    "modelStatus": "modelStatus",
}
_NAMES = ("provisionedModelName", "customModelDeploymentName", "modelName")


def _admitted(summary: Json, parameters: dict[str, str]) -> bool:
    name = next(summary[key] for key in _NAMES if key in summary)
    equal = all(summary.get(member) == parameters[word] for word, member in _EQUALS.items() if word in parameters)
    return equal and parameters.get("nameContains", "") in name


def _lister(member: str, kind: Kind, summary: Callable[[Model, str], Json]) -> Callable[..., Any]:
    async def listed(world: World, _identifier: str, request: Request, _record: Record, _caller: Caller) -> Reply:
        summaries = (summary(model, world.region) for model in world.shelf.of_kind(kind))
        return _page((one for one in summaries if _admitted(one, request.parameters)), request, member)

    return listed


list_throughputs = _lister("provisionedModelSummaries", "provisioned-model", _throughput)
list_deployments = _lister("modelDeploymentSummaries", "custom-model-deployment", _deployment_summary)
list_imported = _lister("modelSummaries", "imported-model", _imported_summary)


async def list_custom(world: World, _identifier: str, request: Request, _record: Record, _caller: Caller) -> Reply:
    summaries = (_custom_summary(model, world.region) for model in _customised(world))
    return _page((one for one in summaries if _admitted(one, request.parameters)), request, "modelSummaries")


# Query parameter of ListFoundationModels -> the list of a summary that must hold its value.
_HOLDS = {
    "byCustomizationType": "customizationsSupported",
    "byOutputModality": "outputModalities",
    "byInferenceType": "inferenceTypesSupported",
}


async def list_foundation(world: World, _identifier: str, request: Request, _record: Record, _caller: Caller) -> Reply:
    """Not paginated, as at AWS."""
    parameters = request.parameters
    summaries = [
        told
        for told in (_foundation(base, world.region) for base in BASES)
        if parameters.get("byProvider", "").lower() in {"", told["providerName"].lower()}
        and all(parameters[word] in told[member] for word, member in _HOLDS.items() if word in parameters)
    ]
    return reply.whole(200, {"modelSummaries": summaries})


async def list_profiles(world: World, _identifier: str, request: Request, _record: Record, _caller: Caller) -> Reply:
    """AWS's own unless ``type`` says otherwise: so AWS does it, seen in aws/aws-cli#9728, 2025-09-17."""
    wanted = request.parameters.get("type", "SYSTEM_DEFINED")
    told = [_profile(profile) for profile in world.shelf.profiles if profile.type == wanted]
    return _page(told, request, "inferenceProfileSummaries")
