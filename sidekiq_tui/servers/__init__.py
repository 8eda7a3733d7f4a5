"""Where the servers are, how to reach them, and how they feel."""
