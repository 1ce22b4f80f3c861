"""What exists: aliases, routes, targets. Knows not which of them is well, nor who asks."""
