"""The chat template and the tokenizer that a model brought with it: read, kept, and run where they can do no harm.

Whoever made the model wrote them, so both are a stranger's programs: the event loop never runs one. Knows no native body.
"""
