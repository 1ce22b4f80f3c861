"""Token counts when the upstream gives none. Always marked as an estimate; never used to bill what is known."""

from adapters.chat import ChatRequest, Text

CHARACTERS_PER_TOKEN = 4  # English prose under current tokenizers; other scripts use fewer characters per token
TOKENS_PER_IMAGE = 1_600  # the order of magnitude that vision models charge for a full-size image
TOKENS_PER_TURN = 4  # role markers around each message


def tokens_of(characters: int) -> int:
    """Estimate the tokens of so many characters; zero only for none."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def prompt_tokens(request: ChatRequest) -> int:
    """Estimate the tokens of a whole prompt: text, images, turns."""
    total = 0
    for message in request.messages:
        characters = sum(len(call.name) + len(call.arguments) for call in message.tool_calls)
        for part in message.parts:
            if isinstance(part, Text):
                characters += len(part.text)
            else:
                total += TOKENS_PER_IMAGE
        total += TOKENS_PER_TURN + tokens_of(characters)
    return total
