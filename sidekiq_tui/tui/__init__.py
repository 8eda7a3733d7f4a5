"""The terminal: screens over snapshots, drawn line by line."""
