"""Where a request goes: the endpoint of a service in a region, and the path of a model. Knows no socket and no credentials.

Source: botocore's endpoint rule sets for ``bedrock-runtime``, ``bedrock`` and ``s3``; judged by botocore in
tests/gateway/bedrock/test_hosts.py.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import quote, urlsplit

_PORTS = {"http": 80, "https": 443}

Operation = Literal["invoke", "converse", "apply-guardrail"]
"""What is asked of Bedrock: a model, with its native body or with the one body that all chat models share; or a guardrail."""

_VERBS: Mapping[tuple[Operation, bool], str] = {
    ("invoke", False): "invoke",
    ("invoke", True): "invoke-with-response-stream",
    ("converse", False): "converse",
    ("converse", True): "converse-stream",
}

# Region prefix -> (suffix, dual-stack suffix). The first that fits; the last fits every other region.
_PARTITIONS = (
    ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
    ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    ("", "amazonaws.com", "api.aws"),
)


class Origin(NamedTuple):
    """What a connection is opened to. One pool for each."""

    scheme: str
    host: str
    port: int


class Endpoint(NamedTuple):
    """A place that speaks a service's protocol.

    Attributes:
        host_header: The host, with its port where that is not the scheme's own.
        base_path: What stands before every path, without a trailing slash: empty at AWS, perhaps not behind a proxy.
    """

    origin: Origin
    host_header: str
    base_path: str = ""


def endpoint(
    service: str, region: str, endpoint_urls: Mapping[str, str], *, fips: bool = False, dual_stack: bool = False
) -> Endpoint:
    """The endpoint of ``service`` (``bedrock-runtime``, ``bedrock``) in ``region``.

    Args:
        endpoint_urls: Overrides by service name: PrivateLink, a proxy, the sandbox. They win over everything else.
        fips, dual_stack: The values of ``AWS_USE_FIPS_ENDPOINT`` and ``AWS_USE_DUALSTACK_ENDPOINT``.

    Raises:
        ValueError: An override is not an http or https URL.
    """
    override = endpoint_urls.get(service)
    if override is not None:
        return _parsed(override)
    return _parsed(f"https://{service}{'-fips' if fips else ''}.{region}.{_suffix(region, dual_stack=dual_stack)}")


def bucket_endpoint(
    bucket: str, region: str, endpoint_urls: Mapping[str, str], *, fips: bool = False, dual_stack: bool = False
) -> Endpoint:
    """Where a bucket's keys begin. Its name is part of the host, as S3 wants it, except where that cannot work: at an
    override, and for a name with dots, which S3's certificate does not cover. There it is the first part of the path.

    Raises:
        ValueError: An override is not an http or https URL.
    """
    override = endpoint_urls.get("s3")
    if override is not None:
        place = _parsed(override)
        return place._replace(base_path=f"{place.base_path}/{bucket}")
    service = f"s3{'-fips' if fips else ''}{'.dualstack' if dual_stack else ''}"
    host = f"{service}.{region}.{_suffix(region, dual_stack=False)}"
    return _parsed(f"https://{host}/{bucket}" if "." in bucket else f"https://{bucket}.{host}")


@lru_cache(maxsize=4096)
def model_path(arn: str, *, stream: bool, operation: Operation = "invoke") -> str:
    """The path that asks ``arn``. The whole ARN is one label, so ``:`` and ``/`` are both encoded.

    With a bare slash AWS answers 200 and a body that says "unknown operation" (BerriAI/litellm#3805).
    """
    return f"/model/{quote(arn, safe='')}/{_VERBS[operation, stream]}"


@lru_cache(maxsize=256)
def guardrail_path(name: str) -> str:
    """The path that applies a guardrail, called ``<id or ARN>:<version>``. Its id or ARN is one label, as a model's is."""
    identifier, _, version = name.rpartition(":")
    return f"/guardrail/{quote(identifier, safe='')}/version/{version}/apply"


def _suffix(region: str, *, dual_stack: bool) -> str:
    for prefix, plain, dual in _PARTITIONS:
        if region.startswith(prefix):
            return dual if dual_stack else plain
    raise AssertionError("the empty prefix fits every region")


@lru_cache(maxsize=256)
def _parsed(url: str) -> Endpoint:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError(f"endpoint URL {url!r} is not of the form https://host[:port][/path]")
    usual = _PORTS[parts.scheme]
    port = parts.port or usual
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    host_header = host if port == usual else f"{host}:{port}"
    return Endpoint(Origin(parts.scheme, parts.hostname, port), host_header, parts.path.rstrip("/"))
