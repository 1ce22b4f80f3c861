"""Which path is which operation of AWS's. The only table of routes; decides nothing else.

Source: botocore's service models of ``bedrock`` and ``bedrock-runtime``.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gateway.sandbox import control, converse, guarding, runtime
from gateway.sandbox.caller import Caller
from gateway.sandbox.log import Record
from gateway.sandbox.reply import Reply, Request
from gateway.sandbox.world import World

Handler = Callable[[World, str, Request, Record, Caller], Awaitable[Reply]]


class Operation(NamedTuple):
    """One operation.

    Attributes:
        path: The labels of its path; ``{}`` stands for the identifier, the first of them.
        streams: Whether it answers in frames.
    """

    name: str
    method: str
    path: tuple[str, ...]
    handler: Handler
    streams: bool = False

    def identifier_in(self, segments: tuple[str, ...]) -> str | None:
        """The identifier in a path of this operation, ``""`` where it has none; ``None`` for any other path."""
        if len(segments) != len(self.path):
            return None
        pairs = list(zip(self.path, segments, strict=True))
        if any(expected not in {"{}", segment} for expected, segment in pairs):
            return None
        return next((segment for expected, segment in pairs if expected == "{}"), "")


_DEPLOYMENTS = ("model-customization", "custom-model-deployments")

OPERATIONS = (
    Operation("InvokeModel", "POST", ("model", "{}", "invoke"), runtime.invoke),
    Operation(
        "InvokeModelWithResponseStream",
        "POST",
        ("model", "{}", "invoke-with-response-stream"),
        runtime.invoke_stream,
        streams=True,
    ),
    Operation("Converse", "POST", ("model", "{}", "converse"), converse.converse),
    Operation("ConverseStream", "POST", ("model", "{}", "converse-stream"), converse.converse_stream, streams=True),
    Operation("ApplyGuardrail", "POST", ("guardrail", "{}", "version", "{}", "apply"), guarding.apply),
    Operation("CountTokens", "POST", ("model", "{}", "count-tokens"), runtime.count_tokens),
    Operation("GetProvisionedModelThroughput", "GET", ("provisioned-model-throughput", "{}"), control.get_throughput),
    Operation("ListProvisionedModelThroughputs", "GET", ("provisioned-model-throughputs",), control.list_throughputs),
    Operation("GetCustomModelDeployment", "GET", (*_DEPLOYMENTS, "{}"), control.get_deployment),
    Operation("ListCustomModelDeployments", "GET", _DEPLOYMENTS, control.list_deployments),
    Operation("GetCustomModel", "GET", ("custom-models", "{}"), control.get_custom),
    Operation("ListCustomModels", "GET", ("custom-models",), control.list_custom),
    Operation("GetImportedModel", "GET", ("imported-models", "{}"), control.get_imported),
    Operation("ListImportedModels", "GET", ("imported-models",), control.list_imported),
    Operation("GetFoundationModel", "GET", ("foundation-models", "{}"), control.get_foundation),
    Operation("ListFoundationModels", "GET", ("foundation-models",), control.list_foundation),
    Operation("GetInferenceProfile", "GET", ("inference-profiles", "{}"), control.get_profile),
    Operation("ListInferenceProfiles", "GET", ("inference-profiles",), control.list_profiles),
)


def operation_of(request: Request) -> tuple[Operation, str] | None:
    """The operation that a request asks for and its identifier; ``None`` when AWS has none there, as for an ARN whose
    ``/`` was not encoded.
    """
    for operation in OPERATIONS:
        if operation.method == request.method:
            identifier = operation.identifier_in(request.segments)
            if identifier is not None:
                return operation, identifier
    return None
