"""Filters, pages and limits of the lists of jobs."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import redis as plain_redis

from sidekiq_tui.demo.embedded import EmbeddedRedis
from tests.conftest import plain_client
from tests.integration.cli.conftest import Sqtui

NOW = 1_795_314_142.0


@pytest.fixture
def jobs(redis_server: EmbeddedRedis, redis_url: str) -> str:
    """A queue and a set of 1,200 jobs each, every third of class Foo, every hundredth with a timeout."""
    payloads = [
        json.dumps(
            {
                "class": "Foo" if number % 3 == 0 else "Bar",
                "args": [number],
                "jid": f"{number:024x}",
                "queue": "big",
                "error_class": "Timeout" if number % 100 == 0 else "Other",
            }
        )
        for number in range(1200)
    ]
    with plain_client(redis_server) as client:
        client.rpush("queue:big", *payloads)
        client.sadd("queues", "big")
        client.zadd("retry", {payload: NOW + number for number, payload in enumerate(payloads)})
        client.zadd("dead", {payload: NOW + number for number, payload in enumerate(payloads)})
    return redis_url


def numbers(records: list[dict[str, object]]) -> list[int]:
    return [int(str(record["jid"]), 16) for record in records]


def test_filter_words_and_the_filter_option_are_one_filter(sqtui: Sqtui, jobs: str) -> None:
    one = sqtui("retries", "class:Foo", "-Other", "--url", jobs, "-o", "ndjson").records
    other = sqtui("retries", "--url", jobs, "--filter", "class:Foo", "--filter", "-Other", "-o", "ndjson").records
    joined = sqtui("retries", "--url", jobs, "--filter", "class:Foo -Other", "-o", "ndjson").records
    assert one == other == joined
    assert numbers(one) == [0, 300, 600, 900]


def test_limit_and_offset_count_matches(sqtui: Sqtui, jobs: str) -> None:
    found = sqtui("queue", "big", "error:Timeout", "--limit", "3", "--offset", "2", "--url", jobs, "-o", "ndjson")
    assert numbers(found.records) == [200, 300, 400]


def test_a_filter_says_how_much_was_read(sqtui: Sqtui, jobs: str) -> None:
    some = sqtui("queue", "big", "class:Foo", "--limit", "3", "--url", jobs, "-o", "json").document["servers"][0]
    assert (some["size"], some["filter"], some["complete"]) == (1200, "class:Foo", False)
    assert some["read"] < 1200  # it stopped as soon as it had three
    every = sqtui("queue", "big", "class:Foo", "--limit", "all", "--url", jobs, "-o", "json").document["servers"][0]
    assert (every["read"], every["complete"], len(every["jobs"])) == (1200, True, 400)
    last = sqtui("dead", "error:Timeout", "--limit", "12", "--url", jobs, "-o", "json").document["servers"][0]
    assert (len(last["jobs"]), numbers(last["jobs"])[-1]) == (12, 0)


@pytest.mark.parametrize(("view", "order"), [("queue big", 1), ("retries", 1), ("dead", -1)])
def test_all_of_a_long_list_keeps_its_order(sqtui: Sqtui, jobs: str, view: str, order: int) -> None:
    records = sqtui(*view.split(), "--limit", "all", "--url", jobs, "-o", "ndjson").records
    assert numbers(records) == list(range(1200))[::order]
    part = sqtui(*view.split(), "--limit", "700", "--offset", "400", "--url", jobs, "-o", "ndjson").records
    assert numbers(part) == list(range(1200))[::order][400:1100]


def test_a_page_beyond_the_end_is_empty(sqtui: Sqtui, jobs: str) -> None:
    server = sqtui("retries", "--offset", "5000", "--url", jobs, "-o", "json").document["servers"][0]
    assert (server["size"], server["jobs"]) == (1200, [])


def test_limit_nought_is_the_size_alone(sqtui: Sqtui, jobs: str) -> None:
    server = sqtui("retries", "--limit", "0", "--url", jobs, "-o", "json").document["servers"][0]
    assert (server["size"], server["jobs"]) == (1200, [])


def test_a_page_without_filter_is_two_commands_whatever_the_size(
    sqtui: Sqtui, jobs: str, redis_server: EmbeddedRedis
) -> None:
    with plain_client(redis_server) as client:
        before = _calls(client)
        sqtui("retries", "--url", jobs)
        after = _calls(client)
    assert after.get("zcard", 0) - before.get("zcard", 0) == 1
    assert after.get("zrange", 0) - before.get("zrange", 0) == 1


def _calls(client: plain_redis.Redis) -> dict[str, int]:
    stats = client.info("commandstats")
    return {name.removeprefix("cmdstat_"): int(one["calls"]) for name, one in stats.items()}


def test_a_filter_on_the_server_chooses_servers(sqtui: Sqtui, jobs: str, config: Callable[[str], str]) -> None:
    file = config(f'[servers.prod]\nurl = "{jobs}"\n[servers.staging]\nurl = "redis://127.0.0.1:1"\n')
    ran = sqtui("retries", "server:=prod", "class:Foo", "--limit", "1", "--config", file, "-o", "json")
    assert (ran.code, ran.err) == (0, "")
    assert [(server["name"], len(server["jobs"])) for server in ran.document["servers"]] == [("prod", 1)]


def test_a_bad_filter_names_the_term(sqtui: Sqtui, jobs: str) -> None:
    ran = sqtui("retries", "clas:Foo", "--url", jobs)
    assert ran.code == 2
    assert "clas" in ran.err
    assert "class:" in ran.err
