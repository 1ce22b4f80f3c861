"""What Bedrock demands of turns made of blocks, in its own words. Knows no envelope and no model.

Source: botocore's service model (restrictions of ``Message.content`` and ``DocumentBlock.name``) and the words in public reports
of ValidationException, read 2026-11-27.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from gateway.sandbox.dialects.dialect import Json
from gateway.sandbox.errors import invalid

_DOCUMENT_NAME = re.compile(r"(?!.*\s\s)[A-Za-z0-9\s()\[\]-]{1,200}", re.DOTALL)
_RETRY = "and try again."


def check(body: Json) -> None:
    """Refuse a conversation whose form Bedrock refuses, whatever the model.

    Raises:
        AwsError: ``ValidationException``, naming the place where Bedrock does.
    """
    _check_roles([message["role"] for message in body["messages"]])
    for place, block in _blocks(body):
        if "text" in block and not str(block["text"]).strip():
            raise invalid(f"The text field in the ContentBlock object at {place} is blank. Add text to the text field, {_RETRY}")
    _check_documents(body)
    _check_calls(body)


def _check_roles(roles: list[str]) -> None:
    if roles[0] != "user":
        raise invalid(
            "A conversation must start with a user message. Try again with a conversation that starts with a user message."
        )
    if any(earlier == later for earlier, later in pairwise(roles)):
        raise invalid(
            "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between "
            f"user and assistant roles {_RETRY}"
        )


def _blocks(body: Json) -> Iterator[tuple[str, Json]]:
    for index, block in enumerate(body.get("system", ())):
        yield f"system.{index}", block
    for turn, message in enumerate(body["messages"]):
        for index, block in enumerate(message["content"]):
            yield f"messages.{turn}.content.{index}", block


def _check_documents(body: Json) -> None:
    names = [block["document"].get("name", "") for _, block in _blocks(body) if "document" in block]
    if any(not _DOCUMENT_NAME.fullmatch(name) for name in names):
        raise invalid(
            "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and "
            "square brackets. The name can't contain more than one consecutive whitespace character."
        )
    if len({name.lower() for name in names}) < len(names):
        raise invalid("Messages can't contain duplicate document names. Rename the document and retry your request.")
    for message in body["messages"]:
        held = {kind for block in message["content"] for kind in block}
        if "document" in held and "text" not in held:
            raise invalid("A text block must be included when using documents.")


def _check_calls(body: Json) -> None:
    """Results answer the calls of the turn before, all of them, and where there are either there are tools."""
    called: list[str] = []
    for turn, message in enumerate(body["messages"]):
        results = [block["toolResult"] for block in message["content"] if "toolResult" in block]
        answered = [result["toolUseId"] for result in results]
        if missing := [call for call in called if call not in answered]:
            raise invalid(f"Expected toolResult blocks at messages.{turn}.content for the following Ids: {', '.join(missing)}")
        if len(answered) > len(called):
            raise invalid(
                f"The number of toolResult blocks at messages.{turn}.content exceeds the number of toolUse blocks of previous turn."
            )
        for index, result in enumerate(results):
            if result.get("status") == "error" and not result["content"]:
                raise invalid(
                    f"The content field at messages.{turn}.content.{index}.toolResult cannot be empty when status value is error."
                )
        called = [block["toolUse"].get("toolUseId", "") for block in message["content"] if "toolUse" in block]
        if (called or answered) and "toolConfig" not in body:
            raise invalid("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
