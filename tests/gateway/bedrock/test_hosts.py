"""Where requests go, judged by botocore's own endpoint rules."""

import pytest
from botocore.config import Config
from botocore.session import Session

from gateway.bedrock.hosts import Origin, endpoint, model_path

ARN = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdef123456"


@pytest.fixture(scope="module")
def botocore():
    return Session()


@pytest.mark.parametrize("service", ["bedrock-runtime", "bedrock"])
@pytest.mark.parametrize(
    ("region", "fips", "dual_stack"),
    [
        ("us-east-1", False, False),
        ("us-west-2", True, False),
        ("eu-central-1", False, True),
        ("us-east-1", True, True),
        ("cn-north-1", False, False),
        ("cn-northwest-1", False, True),
        ("us-gov-west-1", True, False),
        ("us-iso-east-1", False, False),
        ("us-isob-east-1", False, False),
        ("eu-isoe-west-1", False, False),
        ("us-isof-south-1", False, False),
        ("eusc-de-east-1", False, False),
    ],
)
def test_botocore_goes_there_too(botocore, service, region, fips, dual_stack):
    """In every partition the host is botocore's."""
    config = Config(use_fips_endpoint=fips, use_dualstack_endpoint=dual_stack)
    theirs = botocore.create_client(
        service, region, config=config, aws_access_key_id="a", aws_secret_access_key="b"
    ).meta.endpoint_url

    ours = endpoint(service, region, {}, fips=fips, dual_stack=dual_stack)

    assert theirs == f"https://{ours.host_header}"
    assert Origin("https", ours.host_header, 443) == ours.origin


@pytest.mark.parametrize(
    ("url", "origin", "host_header", "base_path"),
    [
        ("http://127.0.0.1:9000", Origin("http", "127.0.0.1", 9000), "127.0.0.1:9000", ""),
        ("https://vpce-1.example/", Origin("https", "vpce-1.example", 443), "vpce-1.example", ""),
        ("https://vpce-1.example:443", Origin("https", "vpce-1.example", 443), "vpce-1.example", ""),
        ("http://proxy/aws/bedrock/", Origin("http", "proxy", 80), "proxy", "/aws/bedrock"),
        ("http://[::1]:9000", Origin("http", "::1", 9000), "[::1]:9000", ""),
    ],
)
def test_override(url, origin, host_header, base_path):
    """An override by service name wins over the region and every switch."""
    assert (origin, host_header, base_path) == endpoint("bedrock-runtime", "us-east-1", {"bedrock-runtime": url}, fips=True)


@pytest.mark.parametrize("url", ["127.0.0.1:9000", "ftp://a", "https://", "https://a?b=c", "https://user@a"])
def test_override_that_is_none(url):
    """What is not an endpoint is refused, and shown."""
    with pytest.raises(ValueError, match="not of the form"):
        endpoint("bedrock", "us-east-1", {"bedrock": url})


def test_override_is_for_its_service_alone():
    """The runtime's override does not lead the control plane astray."""
    assert endpoint("bedrock", "us-east-1", {"bedrock-runtime": "http://a"}).host_header == "bedrock.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("operation", "stream", "verb"),
    [
        ("invoke", False, "invoke"),
        ("invoke", True, "invoke-with-response-stream"),
        ("converse", False, "converse"),
        ("converse", True, "converse-stream"),
    ],
)
def test_arn_is_one_label(operation, stream, verb):
    """Colons and slashes of an ARN are encoded, so that AWS sees one path label."""
    label = "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aprovisioned-model%2Fabcdef123456"

    assert f"/model/{label}/{verb}" == model_path(ARN, stream=stream, operation=operation)
