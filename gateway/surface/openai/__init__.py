"""OpenAI's dialect: its wire, a reader and a writer of it, and one file per endpoint. Knows no target and no native body."""
