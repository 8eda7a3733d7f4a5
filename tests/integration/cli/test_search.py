"""``sqtui search``: jobs anywhere, each with its place, and an honest word on whether these are all."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from tests.conftest import plain_client
from tests.integration.cli.conftest import Sqtui

NOW = 1_795_314_142.0
JID = "5c1b2f6d8e0a4b7c9d3e1f20"


def payload(number: int, **fields: object) -> str:
    return json.dumps({"class": "Foo", "args": [number], "jid": f"{number:024x}", "queue": "low"} | fields)


@pytest.fixture
def url(redis_server: EmbeddedRedis, redis_url: str) -> str:
    """A job of class Wanted in each place, among 2,000 others."""
    wanted = payload(9, **{"class": "Wanted", "jid": JID})
    with plain_client(redis_server) as client:
        client.sadd("queues", "low", "deep")
        client.rpush("queue:low", payload(1), wanted)
        client.rpush("queue:deep", *map(payload, range(2000)), wanted)
        client.zadd("retry", {wanted: NOW, payload(2): NOW})
        client.zadd("dead", {wanted: NOW, payload(3, args=[JID]): NOW})
        client.sadd("processes", "host:1:abc")
        client.hset("host:1:abc:work", "tid", json.dumps({"queue": "low", "run_at": int(NOW), "payload": wanted}))
    return redis_url


def places(records: list[dict[str, object]]) -> list[object]:
    return [(record["place"], record["queue"]) for record in records]


EVERYWHERE = [("work", "low"), ("retry", "low"), ("dead", "low"), ("queue", "low"), ("queue", "deep")]


@pytest.mark.parametrize("words", [("class:=Wanted",), ("--filter", "class:wanted"), (JID,)])
def test_jobs_are_found_everywhere_with_their_place(sqtui: Sqtui, url: str, words: tuple[str, ...]) -> None:
    ran = sqtui("search", *words, "--url", url, "-o", "json")
    (server,) = ran.document["servers"]
    assert (ran.code, ran.err) == (0, "")
    assert places(server["jobs"]) == EVERYWHERE
    assert server["complete"] is True


def test_nothing_found_is_no_error(sqtui: Sqtui, url: str) -> None:
    ran = sqtui("search", "class:Nobody", "--url", url, "-o", "json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.document["servers"][0]["jobs"] == []
    assert ran.document["servers"][0]["read"] == 2008


def test_a_limit_stops_the_reading_and_is_not_complete(sqtui: Sqtui, url: str) -> None:
    server = sqtui("search", "class:Wanted", "--limit", "2", "--url", url, "-o", "json").document["servers"][0]
    assert places(server["jobs"]) == EVERYWHERE[:2]
    assert server["complete"] is False
    assert server["read"] < 100


def test_a_place_that_may_not_be_read_is_told(sqtui: Sqtui, url: str, redis_server: EmbeddedRedis) -> None:
    with plain_client(redis_server) as client:
        client.execute_command(
            *("ACL", "SETUSER", "some", "reset", "on", ">pw", "+@read", "+@connection"),
            *("~queue*", "~processes", "~host*", "~dead", "~schedule"),
        )
    ran = sqtui("search", "class:Wanted", "--url", url.replace("unix://", "unix://some:pw@"), "-o", "json")
    assert ran.code == 0
    assert "not everything could be searched: retries" in ran.err
    assert ran.err.count("\n") == 1
    (server,) = ran.document["servers"]
    assert places(server["jobs"]) == [place for place in EVERYWHERE if place[0] != "retry"]
    assert server["complete"] is False


def test_every_format_and_the_table_say_where(sqtui: Sqtui, url: str) -> None:
    lines = sqtui("search", "class:Wanted", "--url", url).out.splitlines()
    assert lines[0].split("\t")[:3] == ["age", "where", "class"]
    assert [line.split("\t")[1] for line in lines[1:]] == ["running", "retries", "dead", "low", "deep"]
    assert places(sqtui("search", "class:Wanted", "--url", url, "-o", "ndjson").records) == EVERYWHERE
    assert sqtui("search", "class:Wanted", "--url", url, "-o", "csv").out.splitlines()[0].endswith(",place")


def test_several_servers_and_one_that_is_away(sqtui: Sqtui, url: str, config: Callable[[str], str]) -> None:
    file = config(f'[servers.prod]\nurl = "{url}"\n[servers.away]\nurl = "redis://127.0.0.1:1"\n')
    ran = sqtui("--all", "search", "class:Wanted", "--config", file, "-o", "json")
    assert ran.code == 3
    assert [(one["name"], one["complete"], len(one["jobs"])) for one in ran.document["servers"]] == [
        ("prod", True, 5),
        ("away", False, 0),
    ]
    assert ran.document["total"] == {"jobs": 5}


def test_a_search_for_nothing_is_refused(sqtui: Sqtui, url: str) -> None:
    ran = sqtui("search", "--url", url)
    assert ran.code == 2
    assert "filter" in ran.err
