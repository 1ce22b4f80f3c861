"""Small files out of S3, over our own signed client: bounded in size and time, read again only when they have changed.

Knows neither what is in a file nor why it is wanted; writes nothing. What goes wrong is an operator's matter: no caller of
the gateway waits for these.

Source: Amazon S3 API reference, GetObject and "Request redirection and the REST API", read 2026-11-22; judged by botocore in
tests/referees/test_objects.py, and by moto in tests/gateway/bedrock/test_objects.py.
"""

import re
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from time import monotonic
from typing import Literal, NamedTuple
from urllib.parse import quote

from gateway.bedrock.client import Client, Reply, Timeouts
from gateway.bedrock.credentials import CredentialSource
from gateway.bedrock.hosts import bucket_endpoint
from gateway.bedrock.signing import sign
from gateway.errors import GatewayError

_NO_BODY = sha256(b"").hexdigest()
_ERROR_BYTES = 16_384
_ELSEWHERE = frozenset({301, 307, 400})  # 400: AuthorizationHeaderMalformed, for a signature with another region's scope

# The service model's pattern of an S3 URI, without what would leave the folder. Anchored, and nothing in it can backtrack.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_SEGMENT = re.compile(r"[-!_*'().A-Za-z0-9]{1,255}")
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]{1,12}){1,3}-[0-9]{1,2}")


class Unreadable(Exception):
    """The file could not be read; the message says why, to an operator."""


class Folder(NamedTuple):
    """A place in S3.

    Attributes:
        prefix: What every key in it begins with: empty, or ending in a slash.
    """

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


class Object(NamedTuple):
    """A file as it is now.

    Attributes:
        etag: S3's word for this version, quotes included; empty when it gave none.
    """

    body: bytes
    etag: str


Absence = Literal["missing", "unchanged", "denied"]
"""Why no file came. Without ``s3:ListBucket`` S3 says "denied" of a file that is merely missing."""


def folder(uri: str) -> Folder:
    """The place that ``s3://bucket/prefix`` names.

    Raises:
        ValueError: It names none; the message says what to write.
    """
    scheme, _, rest = uri.partition("://")
    bucket, _, path = rest.partition("/")
    segments = path.removesuffix("/").split("/") if path else []
    if scheme != "s3" or not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise ValueError("write an S3 folder, as in s3://my-bucket/models/my-llama/")
    if len(uri) > 1024 or any(not _SEGMENT.fullmatch(segment) or segment in {".", ".."} for segment in segments):
        raise ValueError("a folder's name has only letters, digits and - ! _ * ' ( ) . between single slashes")
    return Folder(bucket, "".join(f"{segment}/" for segment in segments))


class Objects:
    """S3, for any number of buckets and identities.

    Args:
        client: Shared; closed by whoever made it.
        credentials: Shared likewise. A bearer token of Bedrock's says nothing to S3, so these sign.
        endpoint_urls: Overrides by service name; ``s3`` is honoured.
        now: Unix seconds, by AWS's clock as far as it is known.
    """

    def __init__(
        self,
        client: Client,
        credentials: CredentialSource,
        *,
        endpoint_urls: Mapping[str, str],
        fips: bool = False,
        dual_stack: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._credentials = credentials
        self._endpoint_urls = dict(endpoint_urls)
        self._fips = fips
        self._dual_stack = dual_stack
        self._now = now
        self._regions: dict[str, str] = {}  # of buckets that turned out to be elsewhere

    async def get(
        self,
        place: Folder,
        name: str,
        *,
        region: str,
        most_bytes: int,
        role_arn: str | None = None,
        etag: str = "",
        seconds: float = 30.0,
    ) -> Object | Absence:
        """Read one file of a folder.

        Args:
            region: Where the bucket is believed to be. S3 says where it is, and is asked there.
            most_bytes: A longer file is not read.
            role_arn: The role to read as, instead of the gateway's own identity.
            etag: Of the version that is known already: the answer to it is ``unchanged``.
            seconds: For all of it.

        Raises:
            Unreadable: S3 could not be reached, refused us, or the file is too long.
        """
        deadline = monotonic() + seconds
        try:
            return await self._get(place, name, region, role_arn, etag, most_bytes, Timeouts(5.0, seconds, seconds, deadline))
        except GatewayError as error:
            raise Unreadable(f"{place}{name}: {error.detail or error}") from error

    async def _get(  # noqa: PLR0917 - one call, above
        self, place: Folder, name: str, region: str, role_arn: str | None, etag: str, most_bytes: int, timeouts: Timeouts
    ) -> Object | Absence:
        asked = self._regions.get(place.bucket, region)
        reply = await self._ask(place, name, asked, role_arn, etag, timeouts)
        try:
            if reply.status in _ELSEWHERE:
                elsewhere = await _region(reply)
                if elsewhere is None or elsewhere == asked:
                    raise Unreadable(f"{place}{name}: S3 answered {reply.status} and did not say where the bucket is")
                self._regions[place.bucket] = elsewhere
                reply.close()
                reply = await self._ask(place, name, elsewhere, role_arn, etag, timeouts)
            return await _read(reply, f"{place}{name}", most_bytes)
        finally:
            reply.close()

    async def _ask(  # noqa: PLR0917 - as above
        self, place: Folder, name: str, region: str, role_arn: str | None, etag: str, timeouts: Timeouts
    ) -> Reply:
        where = bucket_endpoint(place.bucket, region, self._endpoint_urls, fips=self._fips, dual_stack=self._dual_stack)
        credentials = self._credentials.current(role_arn) or await self._credentials.fetch(role_arn)
        path = f"{where.base_path}/{quote(place.prefix + name, safe='/-_.~')}"
        headers = sign(
            credentials,
            host=where.host_header,
            path=path,
            body=b"",
            headers={"x-amz-content-sha256": _NO_BODY} | ({"if-none-match": etag} if etag else {}),
            region=region,
            at=self._now(),
            service="s3",
            method="GET",
            encodes_path=False,
        )
        lines = "".join(f"{field}: {value}\r\n" for field, value in headers.items())
        return await self._client.send(
            where.origin, f"GET {path} HTTP/1.1\r\n{lines}user-agent: quarry\r\n\r\n".encode(), timeouts
        )


async def _read(reply: Reply, name: str, most_bytes: int) -> Object | Absence:
    match reply.status:
        case 200:
            body = await _body(reply, name, most_bytes)
            return Object(body, reply.headers.get(b"etag", b"").decode("latin-1"))
        case 304:
            return "unchanged"
        case 403:
            text = await _error_text(reply)
            # Of the many reasons for a 403 only this one can mean that there is nothing to read.
            if "<Code>AccessDenied</Code>" in text:
                return "denied"
            raise Unreadable(f"{name}: S3 refuses the request: {_code(text)}")
        case 404:
            text = await _error_text(reply)
            if "<Code>NoSuchBucket</Code>" in text:
                raise Unreadable(f"{name}: there is no such bucket")
            return "missing"
        case status:
            raise Unreadable(f"{name}: S3 answered {status} {_code(await _error_text(reply))}")


async def _body(reply: Reply, name: str, most_bytes: int) -> bytes:
    too_long = Unreadable(f"{name}: longer than {most_bytes} bytes")
    said = reply.headers.get(b"content-length", b"")
    if said.isdigit() and int(said) > most_bytes:
        raise too_long
    pieces, size = [], 0
    while piece := await reply.read():
        pieces.append(piece)
        size += len(piece)
        if size > most_bytes:
            raise too_long
    return b"".join(pieces)


async def _error_text(reply: Reply) -> str:
    pieces, size = [], 0
    while size < _ERROR_BYTES and (piece := await reply.read()):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)[:_ERROR_BYTES].decode("utf-8", "replace")


def _code(text: str) -> str:
    found = re.search(r"<Code>([A-Za-z0-9.]{1,80})</Code>", text)
    return found[1] if found else "without a name"


async def _region(reply: Reply) -> str | None:
    """Where the bucket is: from the header, or out of the error that a signature for another region gets.

    What is no region is not believed: it becomes part of a host's name.
    """
    said = reply.headers.get(b"x-amz-bucket-region", b"").decode("latin-1")
    if not said:
        found = re.search(r"<Region>([^<]{1,32})</Region>", await _error_text(reply))
        said = found[1] if found else ""
    return said if _REGION.fullmatch(said) else None
