"""Where a run begins: as asked, else where the last one ended, else at the first view."""

from __future__ import annotations

import pytest

from sidekiq_tui.tui.memory import Memory
from sidekiq_tui.tui.session import start_of

MEMORY = Memory(last="prod", views={"prod": "retries", "dev": "queues", "": "dashboard", "odd": "gone"})


@pytest.mark.parametrize(
    ("memory", "servers", "server", "view", "start"),
    [
        (Memory(), ["prod", "dev"], None, None, (None, None)),
        (Memory(), ["prod"], None, None, ("prod", None)),
        (MEMORY, ["prod", "dev"], None, None, ("prod", "retries")),
        (MEMORY, ["prod", "dev"], "dev", None, ("dev", "queues")),
        (MEMORY, ["prod", "dev"], None, "dead", ("prod", "dead")),
        (MEMORY, ["dev", "other"], None, None, (None, "dashboard")),
        (MEMORY, ["odd"], None, None, ("odd", None)),
        (Memory(views={"": "extras"}), ["prod", "dev"], None, None, (None, None)),
    ],
    ids=["first", "only one", "as left", "asked server", "asked view", "server gone", "view gone", "not for all"],
)
def test_start(
    memory: Memory, servers: list[str], server: str | None, view: str | None, start: tuple[str | None, str | None]
) -> None:
    assert start_of(memory, servers, server, view) == start
