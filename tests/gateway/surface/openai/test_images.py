"""Images in a request: inline, real, and what they say they are."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.chat import Image, Text
from gateway.errors import InvalidRequest
from gateway.keys.model import Key
from gateway.surface.answering import Arrival
from gateway.surface.openai.images import image_from, sniff
from gateway.surface.openai.parse import parse_chat

BYTES = {
    "image/jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
    "image/png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "image/gif": b"GIF89a\x01\x00\x01\x00",
    "image/webp": b"RIFF\x24\x00\x00\x00WEBPVP8 ",
}


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def url(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{encoded(content)}"


@pytest.mark.parametrize("media_type", BYTES)
def test_read(media_type: str) -> None:
    """Trap 20: each of the four kinds is read, its base64 kept as it came."""
    found = image_from(url(media_type, BYTES[media_type]), parameter="p")

    assert found == Image(media_type, encoded(BYTES[media_type]))


LENIENT = {
    "label in capitals": "DATA:Image/PNG;BASE64,",
    "no label": "data:;base64,",
    "a parameter": "data:image/png;charset=utf-8;base64,",
    "an old synonym": "data:image/x-png;base64,",
}


@pytest.mark.parametrize("head", LENIENT.values(), ids=LENIENT.keys())
def test_spellings(head: str) -> None:
    """What the URL standard lets a label say is read; the bytes decide."""
    assert image_from(head + encoded(BYTES["image/png"]), parameter="p").media_type == "image/png"


REFUSED = {
    "https (S11)": ("https://example.com/cat.png", "never fetches"),
    "http to the metadata service (S11)": ("http://169.254.169.254/latest/meta-data/", "never fetches"),
    "file (S11)": ("file:///etc/passwd", "never fetches"),
    "s3 (S11)": ("s3://bucket/key", "never fetches"),
    "bare base64": (encoded(BYTES["image/png"]), "never fetches"),
    "empty": ("", "never fetches"),
    "not base64 by its own word": ("data:image/png,abc", "must read"),
    "endless label": ("data:image/png;" + "a=b;" * 5000 + "base64,", "must read"),
    "bad base64": ("data:image/png;base64,@@@@", "base64"),
    "URL-safe base64": ("data:image/png;base64,-_-_", "base64"),
    "cut base64": ("data:image/png;base64,iVBORw0KGg", "base64"),
    "wrapped base64": ("data:image/png;base64,iVBO\nRw0K", "base64"),
    "not ASCII": ("data:image/png;base64,é", "base64"),
    "no bytes": ("data:image/png;base64,", "neither"),
    "mislabelled": (url("image/png", BYTES["image/jpeg"]), "labelled image/png, but its bytes are image/jpeg"),
    "an SVG": (url("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "neither"),
    "a PDF called an image": (url("image/png", b"%PDF-1.7"), "neither"),
    "a sound in the same container as WebP": (url("image/webp", b"RIFF\x24\x00\x00\x00WAVEfmt "), "neither"),
}


@pytest.mark.parametrize(("image_url", "word"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(image_url: str, word: str) -> None:
    """Trap 20: everything else is refused, saying what it is, with no socket opened and nothing long quoted."""
    with pytest.raises(InvalidRequest, match=word) as caught:
        image_from(image_url, parameter="messages[0].content[1].image_url.url")

    assert caught.value.parameter == "messages[0].content[1].image_url.url"
    assert len(str(caught.value)) < 200


def test_in_a_message() -> None:
    """Images and texts of a message keep their order, and a bad one is found by its place."""

    def request_with(image_url: str) -> bytes:
        parts = [{"type": "text", "text": "what is"}, {"type": "image_url", "image_url": {"url": image_url}}]
        return json.dumps({"model": "m", "messages": [{"role": "user", "content": parts}]}).encode()

    key = Key(id="k", name="n", owner="o", hash="0" * 64)
    call = parse_chat(request_with(url("image/gif", BYTES["image/gif"])), Arrival("r", key, 0.0))
    with pytest.raises(InvalidRequest) as caught:
        parse_chat(request_with("https://example.com"), Arrival("r", key, 0.0))

    assert call.request.messages[0].parts == (Text("what is"), Image("image/gif", encoded(BYTES["image/gif"])))
    assert caught.value.parameter == "messages[0].content[1].image_url.url"


@given(st.binary(max_size=40))
def test_sniff_anything(content: bytes) -> None:
    """Any bytes have a kind that we know, or none."""
    assert sniff(content) in {None, *BYTES}
