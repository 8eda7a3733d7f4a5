"""``sqtui job JID --follow``: a line for each place that a job comes to."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from sidekiq_tui.cli import following
from sidekiq_tui.demo.embedded import EmbeddedRedis
from tests.conftest import plain_client
from tests.integration.cli.conftest import Sqtui

JID = "e5d1f0a92b7c4410af3391d2"
PROCESS = "app-1:1:aa"
JOB = json.dumps({"class": "A", "args": [], "jid": JID, "queue": "low", "retry": True})
AGAIN = json.dumps({"class": "A", "args": [], "jid": JID, "queue": "low", "retry": True, "enqueued_at": 5})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "EVERY", 0.01)


def test_each_move_is_a_line_and_the_end_is_the_end(
    sqtui: Sqtui, redis_url: str, redis_server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    with plain_client(redis_server) as raw:
        raw.zadd("retry", {JOB: 4e9})
        raw.sadd("processes", PROCESS)
        raw.hset(PROCESS, mapping={"info": json.dumps({"hostname": "app-1", "pid": 1}), "beat": 4e9})

        def enqueue() -> None:
            raw.zrem("retry", JOB)
            raw.lpush("queue:low", AGAIN)

        def run() -> None:
            raw.rpop("queue:low")
            raw.hset(f"{PROCESS}:work", "t1", json.dumps({"queue": "low", "payload": AGAIN, "run_at": 5}))

        deeds: dict[str, Callable[[], object]] = {
            "in retries": enqueue,
            "moved from retry to low": run,
            f"running on {PROCESS}": lambda: raw.delete(f"{PROCESS}:work"),
        }
        tell = following._tell

        def told(server: str, words: str) -> None:
            tell(server, words)
            deeds.get(words, lambda: None)()

        monkeypatch.setattr(following, "_tell", told)
        ran = sqtui("--url", redis_url, "job", JID, "--follow")
    assert (ran.code, ran.err) == (0, "")
    assert [line.split("  ", 2)[2] for line in ran.out.splitlines()] == [
        "in retries",
        "moved from retry to low",
        f"running on {PROCESS}",
        f"gone from {PROCESS}: done or deleted",
    ]


def test_what_is_nowhere_is_not_followed(sqtui: Sqtui, redis_url: str, quick: None) -> None:
    ran = sqtui("--url", redis_url, "job", JID, "--follow")
    assert (ran.code, ran.out) == (1, "")
    assert "there is no job" in ran.err


def test_lines_are_no_documents(sqtui: Sqtui, redis_url: str) -> None:
    ran = sqtui("--url", redis_url, "job", JID, "--follow", "-o", "json")
    assert ran.code == 2
    assert "--follow prints lines" in ran.err
