"""Sidekiq in Python: its data model over one async Redis connection. Knows no profiles, no files, no user interface."""
