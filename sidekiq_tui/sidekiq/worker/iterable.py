"""Jobs that iterate and can be interrupted between two steps (protocol 10)."""

from __future__ import annotations


class Interrupted(Exception):
    """A job stopped between two steps, to go on later: not a failure."""
