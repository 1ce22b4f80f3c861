"""Chat turns into one prompt string, and stop strings out of an answer. Knows no family's body."""
