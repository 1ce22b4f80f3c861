"""A ``data:`` URL into a document, as it is labelled. It never fetches anything, whatever the URL."""

import binascii

from adapters.chat import Document
from gateway.errors import InvalidRequest
from gateway.surface.openai.images import DATA_URL, LONGEST_LABEL

TEXT = "text/plain"


def document_from(url: str, *, title: str | None, parameter: str) -> Document:
    """Read a document out of its URL.

    The base64 text is kept as it came: families send it on unchanged. Of plain text they want the text itself.

    Raises:
        InvalidRequest: Not a ``data:`` URL with a label, not base64, or plain text that is not UTF-8.
    """
    head = DATA_URL.match(url, 0, LONGEST_LABEL)
    if head is None or head[1] is None:
        raise InvalidRequest(
            f"{parameter} must read data:<media type>;base64,… with the document itself: Quarry fetches nothing",
            parameter=parameter,
        )
    label, data = head[1].lower(), url[head.end() :]
    try:
        content = binascii.a2b_base64(data, strict_mode=True)
        return Document(label, content.decode() if label == TEXT else data, title)
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{parameter} is labelled {TEXT}, but is not UTF-8", parameter=parameter) from error
    except ValueError as error:  # binascii.Error is one; so is what a character outside ASCII raises
        raise InvalidRequest(f"{parameter} is not valid base64: {error}", parameter=parameter) from error
