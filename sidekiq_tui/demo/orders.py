"""What `sqtui demo` asks of its supervisor. Light: the parent loads it before the UI shows."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final

DEFAULT_SERVERS: Final = 3
MOST_SERVERS: Final = 50
SCENARIOS: Final = ("busy", "calm", "incident", "backlog", "deploy")
"""The names; what they mean stands in scenarios.py."""


@dataclass(frozen=True, slots=True)
class Orders:
    """`seed` is any text, `jobs` how many the first server holds (None: the usual), `binary` the server program
    (None: look for one), `scenario` one of SCENARIOS."""

    seed: str
    servers: int = DEFAULT_SERVERS
    jobs: int | None = None
    binary: str | None = None
    scenario: str = SCENARIOS[0]

    def line(self) -> bytes:
        """The orders as they are sent."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @staticmethod
    def read(line: bytes) -> Orders:
        """The orders as they were sent."""
        return Orders(**json.loads(line))
