"""Moving, copying, evacuating and synchronising from the command line, between two databases."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from sidekiq_tui.demo.embedded import EmbeddedRedis
from tests.conftest import plain_client
from tests.integration.cli.conftest import Ran, Sqtui
from tests.integration.cli.operating import fill_queue, fill_set, payload


@pytest.fixture
def here(redis_server: EmbeddedRedis, redis_url: str) -> Iterator[redis.Redis]:
    with plain_client(redis_server) as connection:
        yield connection


@pytest.fixture
def there(redis_server: EmbeddedRedis, redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis(unix_socket_path=str(redis_server.socket), db=1) as connection:
        yield connection


@pytest.fixture
def prod(sqtui: Sqtui, config: Callable[[str], str], redis_url: str) -> Sqtui:
    """A command line on `prod`; `staging` is another server, `strict` the same one with rules and a guard."""
    other = redis_url.replace("db=0", "db=1")
    file = config(
        f'[servers.prod]\nurl = "{redis_url}"\n'
        f'[servers.staging]\nurl = "{other}"\n'
        f'[servers.strict]\nurl = "{other}"\nguard = true\nredact = ["email"]\n'
    )

    def call(*argv: str) -> Ran:
        return sqtui("--config", file, "--server", "prod", *argv)

    return call


def only(ran: Ran) -> Any:
    (server,) = ran.document["servers"]
    return server


def test_jobs_move_to_another_server(prod: Sqtui, here: redis.Redis, there: redis.Redis) -> None:
    jobs = fill_set(here, "retry", [payload(number) for number in range(5)])
    other = payload(9, "Other")
    fill_set(here, "retry", [other])
    dry = prod("move", "retries", "class:Invoice", "--to", "staging", "--dry-run")
    assert dry.code == 0
    assert dry.out.splitlines()[0] == "Move 5 jobs to staging"
    assert there.dbsize() == 0
    ran = prod("move", "retries", "class:Invoice", "--to", "staging", "--yes", "-o", "json")
    assert ran.code == 0, ran
    assert only(ran)["plan"]["peer"] == {"server": "staging", "label": None}
    assert there.zrange("retry", 0, -1) == jobs
    assert here.zrange("retry", 0, -1) == [other]
    back = prod("undo", "last", "--yes")
    assert back.code == 0, back
    assert sorted(here.zrange("retry", 0, -1)) == sorted([*jobs, other])


def test_to_another_queue_there_and_a_queue_of_that_server_itself(
    prod: Sqtui, here: redis.Redis, there: redis.Redis
) -> None:
    fill_queue(here, "default", [payload(1), payload(2)])
    assert prod("move", "queue", "default", "jid:1", "--to", "staging:low", "--yes").code in (0, 1)
    assert prod("move", "queue", "default", "class:Invoice", "--to", "staging:low", "--yes").code == 0
    assert [json.loads(one)["queue"] for one in there.lrange("queue:low", 0, -1)] == ["low", "low"]
    fill_queue(here, "default", [payload(3)])
    assert prod("move", "queue", "default", "class:Invoice", "--to", "stagings", "--yes").code == 0
    assert here.llen("queue:stagings") == 1


def test_a_guarded_target_takes_its_name_and_its_rules(prod: Sqtui, here: redis.Redis, there: redis.Redis) -> None:
    fill_queue(here, "default", [payload(1, args=["anna@example.com"])])
    refused = prod("copy", "queue", "default", "--to", "strict", "--yes")
    assert refused.code == 4
    assert "--confirm strict" in refused.err
    assert prod("copy", "queue", "default", "--to", "strict", "--confirm", "strict").code == 0
    (made,) = there.lrange("queue:default", 0, -1)
    assert json.loads(made)["args"] == ["redacted@example.invalid"]
    assert here.llen("queue:default") == 1


def test_everything_goes_and_a_set_is_synchronised(prod: Sqtui, here: redis.Redis, there: redis.Redis) -> None:
    fill_queue(here, "default", [payload(number) for number in range(4)])
    scheduled = fill_set(here, "schedule", [payload(number) for number in range(10, 13)])
    there.zadd("schedule", {scheduled[0]: 1})
    dry = prod("sync", "scheduled", "--to", "staging", "--dry-run")
    assert (dry.code, dry.out.splitlines()[0]) == (0, "Synchronise scheduled with prod: copy 2 jobs")
    assert prod("sync", "scheduled", "--to", "staging", "--confirm", "staging").code == 0
    assert there.zcard("schedule") == 3
    ran = prod("evacuate", "--to", "staging", "--confirm", "prod", "-o", "json")
    assert ran.code in (0, 5), ran
    assert here.exists("queue:default", "schedule") == 0
    assert (there.llen("queue:default"), there.zcard("schedule")) == (4, 3)


def test_wrong_words_are_told(prod: Sqtui, here: redis.Redis) -> None:
    assert prod("evacuate", "--to", "nowhere").code == 2
    assert prod("sync", "queues", "--to", "staging").code == 2
    assert prod("move", "queue", "default", "--to", "staging", "--front").code == 2
