"""HTTP for callers: who asks, what they ask in OpenAI's words, and the bytes they get. No Bedrock, no family."""
