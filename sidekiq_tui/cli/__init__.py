"""One-shot use: reads, prints once, exits. Never loads the terminal UI."""
