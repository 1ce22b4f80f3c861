"""A conversation as Claude's turns. Knows no parameter but whether Claude thinks.

Claude wants turns that alternate and begin with the user, one system text beside them, every answer of a tool in the turn that
follows the calls, and no text that is all white space. What OpenAI's form allows beyond that is brought into this order where
nothing is lost by it, and refused by its place where something would be.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from adapters.chat import CachePoint, Message, Text
from adapters.errors import UnsupportedContent
from adapters.families.claude.blocks import Block, blocks, is_thought, mark
from adapters.families.claude.tools import tool_result, tool_use


class Turn(NamedTuple):
    """One native turn, and where its first message stands."""

    place: str
    role: str
    content: list[Block]


def system_blocks(messages: Sequence[Message]) -> list[Block]:
    """The system text, in pieces that end where a cache point stands: one piece where there is none.

    Claude has one system text; a later system message keeps its order among its like, not its place among the turns.
    """
    found: list[Block] = []
    text: list[str] = []
    for message in messages:
        if message.role != "system":
            continue
        if found or text:
            text.append("\n\n")
        for part in message.parts:
            if isinstance(part, Text):
                text.append(part.text)
            elif isinstance(part, CachePoint):
                _close(text, found)
                mark(found[-1] if found else None, part)
                text = []
    _close(text, found)
    return found


def _close(text: Sequence[str], found: list[Block]) -> None:
    if written := "".join(text):
        found.append({"type": "text", "text": written})


def turns(messages: Sequence[Message], *, before: Block | None, thinks: bool) -> list[dict[str, Any]]:
    """Alternating turns: neighbours of one role become one, a tool's answers among the user's.

    Args:
        before: The block before the first turn, which a cache point at its front marks.
        thinks: Claude is told to think, and wants to see what it thought before it made the calls that are answered now.

    Raises:
        UnsupportedContent: A turn that Claude's form cannot hold, named by its place.
    """
    found: list[Turn] = []
    for index, message in enumerate(messages):
        if message.role == "system":
            continue
        place = f"messages[{index}]"
        role = "assistant" if message.role == "assistant" else "user"
        content = _content(message, place, found[-1].content[-1] if found else before)
        if not content:
            if role == "user":
                raise UnsupportedContent(f"{place} is empty, and Claude reads no empty turn", parameter=place)
            continue  # an assistant that said nothing
        if found and found[-1].role == role:
            found[-1].content.extend(content)
        elif not found and role == "assistant":
            raise UnsupportedContent(f"{place} is the assistant's, and Claude wants the user to speak first", parameter=place)
        else:
            found.append(Turn(place, role, content))
    if not found:
        raise UnsupportedContent("messages holds no user's turn, and Claude wants one", parameter="messages")
    if thinks:
        _check_thoughts(found)
    _trim_ending(found[-1])
    return [{"role": turn.role, "content": turn.content} for turn in found]


def _content(message: Message, place: str, before: Block | None) -> list[Block]:
    if message.role == "tool":
        return [tool_result(message, place)]
    found = blocks(message.parts, place, before)
    for position, call in enumerate(message.tool_calls):
        found.append(tool_use(call, f"{place}.tool_calls[{position}].function.arguments"))
    if found and is_thought(found[0]) and all(map(is_thought, found)):
        return []  # it thought, and said nothing
    return found


def _check_thoughts(found: Sequence[Turn]) -> None:
    """Before results of tools, Claude wants its own turn to begin with what it thought; and it carries on no turn of its own.

    "When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of
    `tool_use` and `tool_result` blocks)": Bedrock's words (github.com/langgenius/dify-official-plugins/issues/1672).
    """
    last = found[-1]
    if last.role == "assistant":
        raise UnsupportedContent(
            f"{last.place} is the assistant's, and Claude does not carry on while it thinks", parameter=last.place
        )
    if len(found) == 1 or not any(block["type"] == "tool_result" for block in last.content):
        return
    calling = found[-2]
    if not is_thought(calling.content[0]):
        raise UnsupportedContent(
            f"{calling.place} has tool calls without the thoughts before them: send reasoning_details back with the message, "
            "or ask without reasoning",
            parameter=calling.place,
        )


def _trim_ending(last: Turn) -> None:
    """An assistant's turn that Claude is to carry on may not end in white space: it refuses the whole request."""
    block = last.content[-1]
    if last.role == "assistant" and block["type"] == "text":
        block["text"] = block["text"].rstrip()
