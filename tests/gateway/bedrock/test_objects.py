"""Files out of S3: moto is the S3, boto3 puts what is read; a raw socket says what moto does not."""

import boto3
import pytest

from gateway.bedrock.client import Client
from gateway.bedrock.credentials import CredentialSource
from gateway.bedrock.objects import Folder, Object, Objects, Unreadable, folder
from gateway.sandbox.s3 import s3
from tests.gateway.bedrock.asking import KEYS
from tests.gateway.bedrock.upstream import chunk, serve, whole

PLACE = Folder("models", "llama/")


@pytest.fixture(scope="module")
def bucket():
    with s3() as url:
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_bucket(Bucket="models")
        yield url, client


@pytest.fixture
async def reading():
    """Objects over an S3 at some URL."""
    client = Client()
    yield lambda url: Objects(client, CredentialSource(keys=KEYS, environment={}), endpoint_urls={"s3": url})
    await client.aclose()


async def get(objects, name="a.json", place=PLACE, **changes):
    return await objects.get(place, name, **({"region": "us-east-1", "most_bytes": 1000} | changes))


async def test_a_file_and_its_version(bucket, reading):
    """What boto3 put comes back byte for byte, with the ETag that S3 gave it."""
    url, client = bucket
    etag = client.put_object(Bucket="models", Key="llama/a.json", Body=b'{"a": 1}')["ETag"]

    assert await get(reading(url)) == Object(b'{"a": 1}', etag)


async def test_a_version_that_is_known_is_not_read_again(bucket, reading):
    """The same ETag gets no body; a newer version does."""
    url, client = bucket
    client.put_object(Bucket="models", Key="llama/a.json", Body=b"1")
    known = await get(reading(url))

    assert await get(reading(url), etag=known.etag) == "unchanged"
    client.put_object(Bucket="models", Key="llama/a.json", Body=b"2")
    assert (await get(reading(url), etag=known.etag)).body == b"2"


async def test_what_is_missing_is_missing(bucket, reading):
    """A file that is not there is no error; a bucket that is not there is."""
    url, _ = bucket

    assert await get(reading(url), "none.json") == "missing"
    with pytest.raises(Unreadable, match="no such bucket"):
        await get(reading(url), place=Folder("nobody", ""))


@pytest.mark.parametrize("key", ["it's(here)!.json", "a_b-c.d*e"])
async def test_names_that_need_encoding(bucket, reading, key):
    """Every character that a key of a model may have arrives as it is."""
    url, client = bucket
    client.put_object(Bucket="models", Key=f"llama/{key}", Body=b"1")

    assert (await get(reading(url), key)).body == b"1"


async def test_a_file_that_is_too_long_is_not_read(bucket, reading):
    """One byte over the bound is refused before the body is read; the bound itself is not."""
    url, client = bucket
    client.put_object(Bucket="models", Key="llama/a.json", Body=b"x" * 1001)

    with pytest.raises(Unreadable, match="longer than 1000 bytes"):
        await get(reading(url))
    assert len((await get(reading(url), most_bytes=1001)).body) == 1001


async def test_a_length_that_lies_is_found_out(reading):
    """A body without a length is counted as it comes."""

    async def answer(visit):
        await visit.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            await visit.send(chunk(b"x" * 500))

    async with serve(answer) as upstream:
        with pytest.raises(Unreadable, match="longer than 1000 bytes"):
            await get(reading(f"http://127.0.0.1:{upstream.port}"))
        await upstream.closed()


def elsewhere(status, *headers, body=b""):
    async def answer(visit):
        if "/eu-central-1/s3/" in visit.header("authorization"):
            await visit.send(whole(b"found", b'etag: "1"'))
        else:
            await visit.send(whole(body, *headers, status=status))

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        elsewhere(b"301 Moved Permanently", b"x-amz-bucket-region: eu-central-1"),
        elsewhere(b"307 Temporary Redirect", b"x-amz-bucket-region: eu-central-1", b"location: http://evil.example/"),
        elsewhere(
            b"400 Bad Request", body=b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-central-1</Region></Error>"
        ),
    ],
    ids=["permanent", "temporary", "signature"],
)
async def test_a_bucket_that_is_elsewhere_is_asked_there(reading, answer):
    """S3 says in which region the bucket is: the request is signed for that one, and the next goes there at once."""
    async with serve(answer) as upstream:
        objects = reading(f"http://127.0.0.1:{upstream.port}")

        assert await get(objects) == Object(b"found", '"1"')
        assert await get(objects) == Object(b"found", '"1"')
        assert len(upstream.visits) == 3


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (b"x-amz-bucket-region: us-east-1",),
        (b"x-amz-bucket-region: evil.example/",),
        (b"location: http://evil.example/",),
    ],
    ids=["nowhere", "here", "no region", "location alone"],
)
async def test_a_redirect_that_leads_nowhere_is_not_followed(reading, headers):
    """Only a region is believed, never a host, and not the one that was asked already."""

    async def answer(visit):
        await visit.send(whole(b"", *headers, status=b"301 Moved Permanently"))

    async with serve(answer) as upstream:
        with pytest.raises(Unreadable, match="did not say where"):
            await get(reading(f"http://127.0.0.1:{upstream.port}"))
        assert len(upstream.visits) == 1


async def test_two_redirects_are_one_too_many(reading):
    """A bucket that is always elsewhere is given up."""

    async def answer(visit):
        where = b"eu-west-1" if len(upstream.visits) % 2 else b"eu-west-2"
        await visit.send(whole(b"", b"x-amz-bucket-region: " + where, status=b"301 Moved Permanently"))

    async with serve(answer) as upstream:
        with pytest.raises(Unreadable, match="301"):
            await get(reading(f"http://127.0.0.1:{upstream.port}"))


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (b"403 Forbidden", b"<Error><Code>SignatureDoesNotMatch</Code></Error>", "SignatureDoesNotMatch"),
        (b"403 Forbidden", b"", "without a name"),
        (b"500 Internal Server Error", b"<Error><Code>InternalError</Code></Error>", "500 InternalError"),
        (b"503 Slow Down", b"<html>", "503"),
    ],
)
async def test_refusals_are_said(reading, status, body, expected):
    """What S3 refuses is told by its name."""

    async def answer(visit):
        await visit.send(whole(body, status=status))

    async with serve(answer) as upstream:
        with pytest.raises(Unreadable, match=expected):
            await get(reading(f"http://127.0.0.1:{upstream.port}"))


async def test_a_file_that_may_not_be_read_is_told_apart(reading):
    """S3 says so of a missing file too, to whoever may not list the bucket: the reader decides what it means."""

    async def answer(visit):
        await visit.send(whole(b"<Error><Code>AccessDenied</Code></Error>", status=b"403 Forbidden"))

    async with serve(answer) as upstream:
        assert await get(reading(f"http://127.0.0.1:{upstream.port}")) == "denied"


async def test_silence_has_an_end(reading):
    """An S3 that says nothing is given up after the seconds allowed."""

    async def answer(visit):
        await visit.hung_up()

    async with serve(answer) as upstream:
        with pytest.raises(Unreadable, match="did not answer"):
            await get(reading(f"http://127.0.0.1:{upstream.port}"), seconds=0.2)


async def test_nobody_there(reading):
    """An S3 that cannot be reached is told as such."""
    with pytest.raises(Unreadable, match="s3://models/llama/a"):
        await get(reading("http://127.0.0.1:1"))


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("s3://models", Folder("models", "")),
        ("s3://models/", Folder("models", "")),
        ("s3://my.models-1/a/b", Folder("my.models-1", "a/b/")),
        ("s3://models/a/b/", Folder("models", "a/b/")),
    ],
)
def test_folders(uri, place):
    """A folder is a folder with or without its last slash."""
    assert folder(uri) == place


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "models/a",
        "https://models/a",
        "s3://",
        "s3:///a",
        "s3://Models/a",
        "s3://m/a",
        "s3://mo..dels/a",
        "s3://models//a",
        "s3://models/../a",
        "s3://models/a/..",
        "s3://models/./a",
        "s3://models/a%2f",
        "s3://models/a b",
        "s3://models/a\r\nx-evil: 1",
        "s3://models/a\n",
        "s3://models/ä",
        "s3://models@evil.example/a",
        "s3://models/" + "a" * 256,
        "s3://models/" + "a/" * 600,
    ],
)
def test_what_is_no_folder(uri):
    """Nothing that could leave the bucket, the folder or the request line is a folder."""
    with pytest.raises(ValueError):
        folder(uri)
