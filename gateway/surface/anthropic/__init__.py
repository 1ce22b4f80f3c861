"""Anthropic's Messages on the way in, in front of every family."""
