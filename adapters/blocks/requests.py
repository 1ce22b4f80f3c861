"""A chat request in content blocks: what both envelopes hold. Knows nothing of replies.

The turns alternate and begin with the user, system texts stand beside them, every answer of a tool in the turn that follows
the calls, and no text is all white space. What OpenAI's form allows beyond that is brought into this order where nothing is
lost by it, and refused by its place where something would be.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from adapters import arguments
from adapters.blocks.contents import Contents, cache_point
from adapters.chat import CachePoint, ChatRequest, Message, Text, ToolSpec
from adapters.errors import UnsupportedContent

_CHOICES = {"auto": "auto", "required": "any", "named": "tool"}


def body(request: ChatRequest, *, stops: Sequence[str]) -> dict[str, Any]:
    """The fields that both envelopes share, each only where it says something.

    Args:
        stops: The stop strings that go to the model.

    Raises:
        UnsupportedContent: A turn that blocks cannot hold, named by its place.
        InvalidParameter: A tool whose arguments are no object, named by its place.
    """
    sampling = request.sampling
    inference: dict[str, Any] = {"maxTokens": sampling.max_tokens}
    if sampling.temperature is not None:
        inference["temperature"] = sampling.temperature
    if sampling.top_p is not None:
        inference["topP"] = sampling.top_p
    if stops:
        inference["stopSequences"] = stops
    native: dict[str, Any] = {"messages": _turns(request), "inferenceConfig": inference}
    # A later system message keeps its order among its like, not its place among the turns.
    if system := [block for message in request.messages if message.role == "system" for block in _system(message)]:
        native["system"] = system
    if _may_call(request):
        native["toolConfig"] = _tool_config(request)
    return native


def _system(message: Message) -> Iterator[dict[str, Any]]:
    for part in message.parts:
        if isinstance(part, Text) and part.text.strip():
            yield {"text": part.text}
        elif isinstance(part, CachePoint):
            yield cache_point(part)


def _may_call(request: ChatRequest) -> bool:
    """Whether any tool may be called. The dialect has no choice of ``none``: then the tools are not offered at all."""
    return bool(request.tools) and (request.tool_choice is None or request.tool_choice.mode != "none")


def _turns(request: ChatRequest) -> list[dict[str, Any]]:
    """Alternating turns: neighbours of one role become one, a tool's answers among the user's."""
    contents = Contents(request.messages, calls_as_text=not _may_call(request))
    turns: list[dict[str, Any]] = []
    for index, message in enumerate(request.messages):
        if message.role == "system":
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks = contents.blocks(message, f"messages[{index}]")
        if _is_empty(blocks):
            if role == "user":
                raise _refused(f"messages[{index}]", "is empty, and Bedrock reads no empty turn")
            continue  # an assistant that said nothing
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"].extend(blocks)
        elif not turns and role == "assistant":
            raise _refused(f"messages[{index}]", "is the assistant's, and Bedrock wants the user to speak first")
        else:
            turns.append({"role": role, "content": blocks})
    if not turns:
        raise _refused("messages", "holds no user's turn, and Bedrock wants one")
    for turn in turns:
        _check_documents(turn["content"])
    _trim_ending(turns[-1])
    return turns


def _is_empty(blocks: Sequence[dict[str, Any]]) -> bool:
    return all("cachePoint" in block for block in blocks)


def _check_documents(blocks: Sequence[dict[str, Any]]) -> None:
    if any("document" in block for block in blocks) and not any("text" in block for block in blocks):
        raise _refused("messages", "holds a turn with a document and no text, and Bedrock wants both together")


def _refused(place: str, why: str) -> UnsupportedContent:
    return UnsupportedContent(f"{place} {why}", parameter=place)


def _trim_ending(last: dict[str, Any]) -> None:
    """An assistant's turn that the model is to carry on may not end in white space: Claude behind Converse refuses it."""
    block = last["content"][-1]
    if last["role"] == "assistant" and "text" in block:
        block["text"] = block["text"].rstrip()


def _tool_config(request: ChatRequest) -> dict[str, Any]:
    config: dict[str, Any] = {
        "tools": [block for index, tool in enumerate(request.tools) for block in _tool(tool, f"tools[{index}].function")]
    }
    choice = request.tool_choice
    if choice is not None:
        config["toolChoice"] = {_CHOICES[choice.mode]: {"name": choice.name} if choice.mode == "named" else {}}
    return config


def _tool(tool: ToolSpec, place: str) -> Iterator[dict[str, Any]]:
    schema = arguments.object_schema(tool.parameters, f"{place}.parameters")
    spec: dict[str, Any] = {"name": tool.name, "inputSchema": {"json": {"type": "object", **schema}}}
    if tool.description:
        spec["description"] = tool.description
    yield {"toolSpec": spec}
    if tool.cache_point is not None:
        yield cache_point(tool.cache_point)
