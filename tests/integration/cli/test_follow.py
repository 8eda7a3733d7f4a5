"""``sqtui job JID --follow``: a line for each place that a job comes to."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from sidekiq_tui.cli import following
from sidekiq_tui.demo.embedded import EmbeddedRedis
from tests.conftest import plain_client
from tests.integration.cli.conftest import Sqtui
from tests.support.fleets import client

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


def test_it_is_followed_to_another_server(
    sqtui: Sqtui,
    config: Callable[[str], str],
    many_databases: EmbeddedRedis,
    monkeypatch: pytest.MonkeyPatch,
    quick: None,
) -> None:
    """The same bytes are seen at once, where a short look reaches; others by the search that follows."""
    socket = many_databases.socket
    file = config("".join(f'[servers.{name}]\nurl = "unix://{socket}?db={db}"\n' for db, name in enumerate("abc")))
    with client(many_databases, 0) as a, client(many_databases, 1) as b, client(many_databases, 2) as c:
        a.flushall()
        a.zadd("retry", {JOB: 4e9})

        def move() -> None:
            a.zrem("retry", JOB)
            b.zadd("retry", {JOB: 4e9})

        def move_with_edit() -> None:
            b.zrem("retry", JOB)

        def arrive() -> None:
            c.sadd("queues", "other")
            c.lpush("queue:other", JOB.replace('"low"', '"other"'), *range(60))

        deeds: dict[str, Callable[[], object]] = {
            "in retries": move,
            "moved from retry on a to retry on b": move_with_edit,
            "gone from retry: done or deleted, unless it lies where a short look does not reach": arrive,
            "moved from retry on b to other on c": c.flushdb,
        }
        tell = following._tell

        def told(server: str, words: str) -> None:
            tell(server, words)
            deeds.get(words, lambda: None)()

        monkeypatch.setattr(following, "_tell", told)
        ran = sqtui("--config", file, "job", JID, "--follow")
    assert (ran.code, ran.err) == (0, "")
    assert [line.split("  ", 2)[1:] for line in ran.out.splitlines()] == [
        ["a", "in retries"],
        ["b", "moved from retry on a to retry on b"],
        ["b", "gone from retry: done or deleted, unless it lies where a short look does not reach"],
        ["c", "moved from retry on b to other on c"],
        ["c", "gone from other: done or deleted, unless it lies where a short look does not reach"],
    ]


def test_what_is_nowhere_is_not_followed(sqtui: Sqtui, redis_url: str, quick: None) -> None:
    ran = sqtui("--url", redis_url, "job", JID, "--follow")
    assert (ran.code, ran.out) == (1, "")
    assert "there is no job" in ran.err


def test_lines_are_no_documents(sqtui: Sqtui, redis_url: str) -> None:
    ran = sqtui("--url", redis_url, "job", JID, "--follow", "-o", "json")
    assert ran.code == 2
    assert "--follow prints lines" in ran.err
