"""Anthropic's wire: ``requests`` that a caller may write, ``replies`` that it reads back. Knows only what it looks like."""
