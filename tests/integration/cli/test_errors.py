"""``sqtui errors``: groups in every format, filters, limits, and servers that do not answer."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from tests.conftest import LoadDump, plain_client
from tests.integration.cli.conftest import Sqtui

NOW = 1_795_314_142.0
FIELDS = [
    *("class", "error_class", "message", "kind", "count", "retries", "dead", "share", "queues", "first_at", "last_at"),
    *("new_since_deploy", "sample_jid"),
]


def failed(number: int, error: str = "Timeout", queue: str = "default") -> bytes:
    """A job that failed."""
    item = {"class": "Foo", "args": [number], "jid": f"{number:024x}", "queue": queue, "failed_at": NOW - number}
    return json.dumps(item | {"error_class": error, "error_message": f"after {number}s"}).encode()


@pytest.fixture
def jobs(redis_server: EmbeddedRedis, redis_url: str) -> str:
    """Ten timeouts in retries and dead, two others, one broken payload."""
    with plain_client(redis_server) as client:
        client.zadd("retry", {failed(number): NOW + number for number in range(8)})
        client.zadd("dead", {failed(number): NOW - number for number in range(8, 10)})
        client.zadd("retry", {failed(number, "Refused", "low"): NOW + number for number in (20, 21)})
        client.zadd("dead", {b"\x80\x04": NOW - 50})
    return redis_url


def element(sqtui: Sqtui, *argv: str) -> dict[str, Any]:
    """The one server's part of the JSON."""
    ran = sqtui("errors", *argv, "-o", "json")
    assert (ran.code, ran.err, ran.document["view"], ran.document["schema"]) == (0, "", "errors", 1)
    (found,) = ran.document["servers"]
    assert isinstance(found, dict)
    return found


def test_the_contract(sqtui: Sqtui, jobs: str) -> None:
    found = element(sqtui, "--url", jobs)
    assert {key: found[key] for key in ("ok", "error", "size", "read", "complete")} == {
        **{"ok": True, "error": None, "size": 13, "read": 13, "complete": True}
    }
    assert [list(group) for group in found["groups"]] == [FIELDS] * 3
    first, second, third = found["groups"]
    assert first == {
        **{"class": "Foo", "error_class": "Timeout", "message": "after Ns", "kind": "error"},
        **{"count": 10, "retries": 8, "dead": 2, "share": 10 / 13, "queues": ["default"]},
        **{"first_at": NOW - 9, "last_at": NOW, "new_since_deploy": None, "sample_jid": f"{0:024x}"},
    }
    assert (second["error_class"], second["count"], second["queues"]) == ("Refused", 2, ["low"])
    assert (third["class"], third["kind"], third["count"], third["sample_jid"]) == (None, "undecodable", 1, None)
    assert third["first_at"] == NOW - 50


def test_limit_and_filters(sqtui: Sqtui, jobs: str) -> None:
    assert len(element(sqtui, "--url", jobs, "--limit", "1")["groups"]) == 1
    assert len(element(sqtui, "--url", jobs, "--limit", "all")["groups"]) == 3
    found = element(sqtui, "refused", "--url", jobs)
    assert ([group["error_class"] for group in found["groups"]], found["filter"]) == (["Refused"], "refused")
    assert found["groups"][0]["share"] == 2 / 13  # of all jobs
    assert [one["error_class"] for one in element(sqtui, "--filter", "queue:low", "--url", jobs)["groups"]] == [
        "Refused"
    ]
    assert [one["kind"] for one in element(sqtui, "-class:Foo", "--url", jobs)["groups"]] == ["undecodable"]


def test_one_group_a_line(sqtui: Sqtui, jobs: str) -> None:
    records = sqtui("errors", "--url", jobs, "-o", "ndjson").records
    assert [list(record) for record in records] == [["server", *FIELDS]] * 3
    rows = list(csv.reader(io.StringIO(sqtui("errors", "--url", jobs, "-o", "csv").out)))
    assert rows[0] == ["server", *FIELDS]
    assert [len(row) for row in rows] == [len(FIELDS) + 1] * 4
    lines = sqtui("errors", "--url", jobs).out.splitlines()
    assert lines[0].split("\t") == ["jobs", "share", "class", "error", "in", "queue", "first", "last"]
    assert lines[1].split("\t")[:6] == ["10", "77%", "Foo", "Timeout  after Ns", "both", "default"]
    assert "undecodable" in lines[3]


def test_what_groups_do_not_have_is_refused(sqtui: Sqtui, jobs: str) -> None:
    ran = sqtui("errors", "jid:abc", "--url", jobs)
    assert (ran.code, ran.out) == (2, "")
    assert "no such field" in ran.err


def test_nothing_failed(sqtui: Sqtui, redis_url: str) -> None:
    found = element(sqtui, "--url", redis_url)
    assert (found["size"], found["read"], found["complete"], found["groups"]) == (0, 0, True, [])


def test_a_server_away_is_said_and_the_others_printed(sqtui: Sqtui, jobs: str) -> None:
    ran = sqtui("errors", "--url", jobs, "--url", "redis://127.0.0.1:1/0", "-o", "json")
    assert ran.code == 3
    here, away = ran.document["servers"]
    assert (here["ok"], here["read"]) == (True, 13)
    assert (away["ok"], away["size"], away["read"], away["complete"], away["groups"]) == (False, None, None, False, [])
    assert ran.document["total"] == {"size": 13}


def test_one_set_that_cannot_be_read_is_not_complete(sqtui: Sqtui, redis_server: EmbeddedRedis, jobs: str) -> None:
    with plain_client(redis_server) as client:
        client.delete("dead")
        client.set("dead", "text")
    found = element(sqtui, "--url", jobs)
    assert (found["ok"], found["size"], found["read"], found["complete"]) == (True, None, 10, False)


@pytest.mark.parametrize("version", ["6.4.1", "7.3.10", "8.1.7"])
def test_recorded_data(
    sqtui: Sqtui, redis_url: str, load_dump: LoadDump, expected: Callable[[str], Any], version: str
) -> None:
    load_dump(version)
    found = element(sqtui, "--url", redis_url, "--limit", "all")
    assert found["complete"]
    assert sum(group["count"] for group in found["groups"]) == found["size"] == found["read"]
    assert found["size"] > 0
