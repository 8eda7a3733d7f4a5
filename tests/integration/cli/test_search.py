"""``sqtui search``: jobs anywhere, each with its place, and an honest word on whether these are all."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterable, Iterator

import pytest

from sidekiq_tui.cli import output
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


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}"


def test_what_servers_find_is_printed_before_the_last_has_answered(
    sqtui: Sqtui, url: str, silent: str, config: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = config(f'[servers.silent]\nurl = "{silent}"\n[servers.prod]\nurl = "{url}"\n')
    printed: list[float] = []
    write_lines = output.write_lines

    def noted(lines: Iterable[str]) -> None:
        printed.append(time.monotonic())
        write_lines(lines)

    monkeypatch.setattr(output, "write_lines", noted)
    ran = sqtui("--all", "search", "class:Wanted", "--deadline", "1.5", "--config", file, "-o", "ndjson")
    ended = time.monotonic()
    assert ran.code == 3
    assert places(ran.records) == EVERYWHERE
    assert {record["server"] for record in ran.records} == {"prod"}
    assert ended - printed[0] > 0.7
    assert ran.err == f"sqtui: silent: not done within 1.5s: not all was read ({silent.removeprefix('redis://')})\n"


@pytest.mark.parametrize("form", ["ndjson", "csv", "json"])
def test_a_limit_is_for_each_server(sqtui: Sqtui, url: str, config: Callable[[str], str], form: str) -> None:
    file = config(f'[servers.a]\nurl = "{url}"\n[servers.b]\nurl = "{url}"\n')
    ran = sqtui("--all", "search", "jid:0000", "--limit", "3", "--config", file, "-o", form)
    assert ran.code == 0
    if form == "ndjson":
        assert sorted(record["server"] for record in ran.records) == ["a"] * 3 + ["b"] * 3
    elif form == "json":
        assert [(one["complete"], len(one["jobs"])) for one in ran.document["servers"]] == [(False, 3)] * 2
    else:
        assert len(ran.out.splitlines()) == 7


def test_a_server_that_is_ruled_out_is_not_asked(sqtui: Sqtui, url: str, config: Callable[[str], str]) -> None:
    file = config(f'[servers.prod]\nurl = "{url}"\n[servers.away]\nurl = "redis://127.0.0.1:1"\n')
    ran = sqtui("search", "class:Wanted", "server:prod", "--config", file, "-o", "ndjson")
    assert (ran.code, ran.err, len(ran.records)) == (0, "", 5)


def test_a_job_is_told_with_its_server_although_another_is_silent(
    sqtui: Sqtui, url: str, silent: str, config: Callable[[str], str]
) -> None:
    file = config(f'[servers.silent]\nurl = "{silent}"\n[servers.prod]\nurl = "{url}"\n')
    ran = sqtui("--all", "job", JID, "--deadline", "1", "--config", file, "-o", "json")
    assert ran.code == 3
    assert [(one["name"], one["ok"], len(one["jobs"])) for one in ran.document["servers"]] == [
        ("silent", False, 0),
        ("prod", True, 5),
    ]
    table = sqtui("job", JID, "--deadline", "1", "--config", file).out
    assert table.count("server\tprod") == 5


def test_a_search_for_nothing_is_refused(sqtui: Sqtui, url: str) -> None:
    ran = sqtui("search", "--url", url)
    assert ran.code == 2
    assert "filter" in ran.err
