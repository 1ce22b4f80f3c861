"""What an ARN is, walked over the sandbox's control plane: which reads, and what stands on the card."""

from time import monotonic

import pytest

from gateway.bedrock.client import Client
from gateway.bedrock.control import Control
from gateway.bedrock.credentials import CredentialSource
from gateway.bedrock.signing import Credentials
from gateway.registry.arn import base_model
from gateway.registry.arn import identify as kind_of
from gateway.registry.card import Card, Subject, Unidentified, described, state
from gateway.registry.families import BASES, COMPLETION, verdict
from gateway.registry.identify import identify
from gateway.sandbox import faults
from gateway.sandbox.models import models
from gateway.sandbox.serve import running
from tests.gateway.bedrock.upstream import serve, whole

REGION = "us-west-2"
HERE = f"arn:aws:bedrock:{REGION}:123456789012:"
HAIKU, NOVA = HERE + "provisioned-model/e5ha1ku3c1au", HERE + "custom-model-deployment/g7n0va11t3dp"
PROFILE = HERE + "application-inference-profile/k1c0sts0n0va"
DENIED = "AccessDeniedException"


@pytest.fixture
async def control(world):
    client = Client()
    source = CredentialSource(keys=Credentials("sandbox", "sandbox"), environment={})
    async with running(world) as url:
        yield Control(client, source, endpoint_urls={"bedrock": url})
        await client.aclose()


def subject(arn):
    return Subject(arn, kind_of(arn).kind, REGION)


async def card_of(control, arn):
    return await identify(control, subject(arn), deadline=monotonic() + 20)


def reads(world):
    return [record.operation for record in world.log]


@pytest.mark.parametrize(
    ("arn", "operations", "card"),
    [
        (
            HAIKU,
            ["GetProvisionedModelThroughput"],
            Card(
                HAIKU,
                "provisioned-model",
                REGION,
                base_model="anthropic.claude-3-haiku-20240307-v1:0",
                model_units=1,
                created_at=1_754_040_600,
                status="InService",
            ),
        ),
        (
            NOVA,
            ["GetCustomModelDeployment", "GetCustomModel"],
            Card(
                NOVA,
                "custom-model-deployment",
                REGION,
                base_model="amazon.nova-lite-v1:0",
                created_at=1_754_040_600,
                status="Active",
            ),
        ),
        (
            HERE + "imported-model/j0m1str41707",
            ["GetImportedModel"],
            Card(
                HERE + "imported-model/j0m1str41707",
                "imported-model",
                REGION,
                architecture="mistral",
                instruct_supported=True,
                model_units=1,
                source_uri="s3://quarry-sandbox/models/j0m1str41707/",
                created_at=1_740_821_400,
            ),
        ),
        (
            PROFILE,
            ["GetInferenceProfile"],
            Card(
                PROFILE,
                "inference-profile",
                REGION,
                base_model="amazon.nova-lite-v1:0",
                created_at=1_748_856_600,
                status="ACTIVE",
            ),
        ),
        (
            "us.amazon.nova-lite-v1:0",
            ["GetInferenceProfile"],
            Card(
                "us.amazon.nova-lite-v1:0",
                "inference-profile",
                REGION,
                base_model="amazon.nova-lite-v1:0",
                created_at=1_748_856_600,
                status="ACTIVE",
            ),
        ),
        (
            "cohere.command-r-v1:0",
            ["GetFoundationModel"],
            Card("cohere.command-r-v1:0", "foundation-model", REGION, base_model="cohere.command-r-v1:0", status="ACTIVE"),
        ),
    ],
    ids=["throughput", "deployment", "imported", "profile of the account", "profile of AWS", "base model"],
)
async def test_each_kind_has_its_walk(control, world, arn, operations, card):
    """The reads in their order, and every fact that AWS tells in its place."""
    assert await card_of(control, arn) == card
    assert reads(world) == operations


@pytest.mark.parametrize("model", models(), ids=lambda model: model.name)
async def test_every_model_of_the_sandbox_speaks_its_family(control, model):
    """From the ARN alone to the family by which the sandbox answers, but for the import that would be asked as a chat."""
    card = await card_of(control, model.arn)

    made = verdict(card, {*BASES.values(), COMPLETION})
    assert made.family == ("openai_chat" if model.has_three_formats else model.family)


@pytest.mark.parametrize(
    ("arn", "operation", "refused"),
    [
        (
            HAIKU,
            "GetProvisionedModelThroughput",
            "does not allow this gateway the IAM action bedrock:GetProvisionedModelThroughput on it",
        ),
        (NOVA, "GetCustomModelDeployment", "does not allow this gateway the IAM action bedrock:GetCustomModelDeployment on it"),
        (PROFILE, "GetInferenceProfile", "does not allow this gateway the IAM action bedrock:GetInferenceProfile on it"),
    ],
)
async def test_a_denial_names_the_action(control, world, arn, operation, refused):
    """What IAM would have to allow is said, and nothing else is asked."""
    world.faults.plant("no", faults.Error(name=DENIED))

    assert await card_of(control, arn) == Unidentified(refused)
    assert reads(world) == [operation]


@pytest.mark.parametrize(
    ("arn", "denied", "base"),
    [
        (NOVA, "GetCustomModel", "amazon.nova-lite-v1:0"),
        ("us.amazon.nova-lite-v1:0", "GetInferenceProfile", "amazon.nova-lite-v1:0"),
        ("cohere.command-r-v1:0", "GetFoundationModel", "cohere.command-r-v1:0"),
    ],
)
async def test_what_an_id_says_needs_no_permission(control, world, arn, denied, base):
    """A custom model's ARN and the ids of AWS's own name the base model: a denial of the rest is borne."""
    world.faults.plant("no", faults.Error(name=DENIED, match=faults.Match(operation=denied)))

    assert (await card_of(control, arn)).base_model == base


ASSUMED = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>sandbox</AccessKeyId><SecretAccessKey>sandbox</SecretAccessKey><SessionToken>t</SessionToken>
<Expiration>2036-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""


async def test_a_denied_role_is_named(world):
    """Which identity lacks the permission is part of what to mend."""

    async def assume(visit):
        await visit.send(whole(ASSUMED).replace(b"application/json", b"text/xml"))

    world.faults.plant("no", faults.Error(name=DENIED))
    role, client, keys = "arn:aws:iam::210987654321:role/quarry-invoke", Client(), Credentials("sandbox", "sandbox")
    async with running(world) as url, serve(assume) as sts:
        source = CredentialSource(keys=keys, environment={}, endpoint_urls={"sts": f"http://127.0.0.1:{sts.port}"})
        control = Control(client, source, endpoint_urls={"bedrock": url})
        told = await identify(control, subject(HAIKU)._replace(role_arn=role), deadline=monotonic() + 20)
        await client.aclose()

    assert told == Unidentified(f"does not allow {role} the IAM action bedrock:GetProvisionedModelThroughput on it")


async def test_what_is_gone_is_said_to_be(control):
    """An ARN that nothing has is told apart from one that may not be read."""
    arn = HERE + "provisioned-model/000000000000"

    assert await card_of(control, arn) == Unidentified("knows no such provisioned-model in us-west-2", gone=True)


async def test_other_failures_say_what_aws_said(control, world):
    """A name that no branch knows is passed on with AWS's words."""
    world.faults.plant("no", faults.Error(name="ValidationException", message="The provided ARN is odd."))

    told = await card_of(control, HAIKU)

    assert "answered GetProvisionedModelThroughput with ValidationException" in told.why
    assert "The provided ARN is odd." in told.why


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("arn:aws:bedrock:us-west-2::foundation-model/amazon.titan-text-express-v1:0:8k", "amazon.titan-text-express-v1:0"),
        ("arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/meta.llama3-8b-instruct-v1:0", "meta.llama3-8b-instruct-v1:0"),
        (HERE + "custom-model/cohere.command-light-text-v14:7:4k/b2c0m4nd1t3a", "cohere.command-light-text-v14:7"),
        (HERE + "inference-profile/us.meta.llama3-1-8b-instruct-v1:0", "meta.llama3-1-8b-instruct-v1:0"),
        ("global.anthropic.claude-sonnet-4-20250514-v1:0", "anthropic.claude-sonnet-4-20250514-v1:0"),
        ("amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
        (HERE + "custom-model/imported/b2c0m4nd1t3a", None),
        (HERE + "provisioned-model/b2c0m4nd1t3a", None),
        (PROFILE, None),
        ("", None),
    ],
)
def test_the_base_model_in_a_name(text, base):
    """Where an ARN or id names it, without region prefix and context; nowhere else."""
    assert base_model(text) == base


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("InService", "in_service"),
        ("Active", "in_service"),
        ("Updating", "updating"),
        ("Failed", "failed"),
        ("Odd", None),
        (None, None),
    ],
)
def test_a_status_has_a_word(status, word):
    """Statuses become labels of a metric; an unknown one becomes none."""
    assert state(Card("x", "provisioned-model", REGION, status=status)) == word


def test_imports_are_in_service_and_what_is_gone_is_deleted():
    """An import has no status: what can be read is ready. What could not be asked has no word."""
    assert state(Card("x", "imported-model", REGION)) == "in_service"
    assert state(Unidentified("knows nothing", gone=True)) == "deleted"
    assert state(Unidentified("did not answer in time")) is None


async def test_a_card_on_one_line(control):
    """What AWS told, in the order in which people ask; what it did not is left out."""
    assert described(await card_of(control, HAIKU)) == (
        "provisioned-model, base model anthropic.claude-3-haiku-20240307-v1:0, 1 model unit, created 2025-08-01, status InService"
    )
    assert described(await card_of(control, HERE + "imported-model/j0m1str41707")) == (
        "imported-model, architecture mistral, instructSupported true, 1 model unit, created 2025-03-01, "
        "weights from s3://quarry-sandbox/models/j0m1str41707/"
    )
