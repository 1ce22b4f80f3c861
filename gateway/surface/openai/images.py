"""A ``data:`` URL into an image: the bytes are read to know what they are. It never fetches anything, whatever the URL."""

import binascii
import re

from adapters.chat import Image
from gateway.errors import InvalidRequest

DATA_URL = re.compile(r"data:([a-z]+/[a-z0-9.+-]+)?((?:;[a-z0-9-]+=[^;,]*)*);base64,", re.IGNORECASE)
SYNONYMS = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
READABLE = "JPEG, PNG, GIF or WebP"
LONGEST_LABEL = 256


def image_from(url: str, *, parameter: str) -> Image:
    """Read an image out of its URL.

    The base64 text is kept as it came: families send it on unchanged.

    Raises:
        InvalidRequest: Not a ``data:`` URL, not base64, not an image that the models read, or not what its label says.
    """
    head = DATA_URL.match(url, 0, LONGEST_LABEL)
    if head is None:
        raise InvalidRequest(_not_inline(url), parameter=parameter)
    return labelled_image(head[1], url[head.end() :], parameter=parameter)


def labelled_image(label: str | None, data: str, *, parameter: str) -> Image:
    """Read an image out of its base64 text, which is kept as it came.

    Args:
        label: The media type that the caller says it has, if any.

    Raises:
        InvalidRequest: Not base64, not an image that the models read, or not what its label says.
    """
    try:
        content = binascii.a2b_base64(data, strict_mode=True)
    except ValueError as error:  # binascii.Error is one; so is what a character outside ASCII raises
        raise InvalidRequest(f"The image is not valid base64: {error}", parameter=parameter) from error
    found = sniff(content)
    if found is None:
        raise InvalidRequest(f"The image's bytes are neither {READABLE.replace(' or', ' nor')}", parameter=parameter)
    label = (label or found).lower()
    if SYNONYMS.get(label, label) != found:
        raise InvalidRequest(f"The image is labelled {label[:LONGEST_LABEL]}, but its bytes are {found}", parameter=parameter)
    return Image(found, data)


def sniff(content: bytes) -> str | None:
    """The media type that the first bytes show, ``None`` when they are no JPEG, PNG, GIF or WebP.

    Source: https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern
    """
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content.startswith(b"RIFF") and content[8:14] == b"WEBPVP":
        return "image/webp"
    return None


def _not_inline(url: str) -> str:
    if url[:5].lower() == "data:":
        return "The image's data: URL must read data:image/…;base64,… with a JPEG, PNG, GIF or WebP in it"
    return "Quarry never fetches a URL: send the image itself as data:image/…;base64,…"
