"""Servers and queues as they are typed."""

from __future__ import annotations

import pytest

from sidekiq_tui.servers.named import server_and_queue

NAMES = ("prod", "staging", "localhost:6379/0", "localhost:6379")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("staging", ("staging", None)),
        ("staging:low", ("staging", "low")),
        ("staging:a:b", ("staging", "a:b")),
        ("staging:", ("staging", "")),
        ("localhost:6379/0", ("localhost:6379/0", None)),
        ("localhost:6379/0:low", ("localhost:6379/0", "low")),
        ("localhost:6379:low", ("localhost:6379", "low")),
        ("stagin", None),
        ("low", None),
        ("", None),
    ],
)
def test_the_longest_name_counts(text: str, found: tuple[str, str | None] | None) -> None:
    assert server_and_queue(text, NAMES) == found
