"""What happened: told facts by the path, decides nothing."""
