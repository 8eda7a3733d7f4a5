"""``sqtui compare``: what differs between two servers."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from tests.integration.cli.conftest import Sqtui
from tests.support.fleets import NOW, client, fill_sets


def failed(number: int, error: str) -> str:
    fields = {"jid": f"{number:024x}", "class": "Foo", "queue": "low", "args": [], "failed_at": NOW}
    return json.dumps(fields | {"error_class": error, "error_message": "no"})


@pytest.fixture
def file(many_databases: EmbeddedRedis, config: Callable[[str], str]) -> str:
    """Two servers: one has a queue, a process and an error that the other has not."""
    fill_sets(many_databases, "retry", ())
    with client(many_databases, 0) as one:
        one.sadd("queues", "low", "only\x1b[2J")
        one.zadd("retry", {failed(1, "Both"): NOW, failed(2, "OnlyProd"): NOW})
        info = {"hostname": "h", "pid": 1, "version": "8.1.7", "concurrency": 5, "queues": ["low"], "tag": "shop"}
        one.sadd("processes", "h:1:a")
        one.hset("h:1:a", mapping={"info": json.dumps(info), "busy": 0, "beat": NOW, "concurrency": 5})
    with client(many_databases, 1) as one:
        one.sadd("queues", "low")
        one.zadd("retry", {failed(1, "Both"): NOW})
    socket = many_databases.socket
    return config(
        f'[servers.prod]\nurl = "unix://{socket}?db=0"\n[servers.staging]\nurl = "unix://{socket}?db=1"\n'
        '[servers.away]\nurl = "redis://127.0.0.1:1"\n'
    )


def test_only_differences_come_and_what_was_looked_at(sqtui: Sqtui, file: str) -> None:
    ran = sqtui("compare", "prod", "staging", "--config", file, "-o", "json")
    document = ran.document
    assert (ran.code, ran.err) == (0, "")
    assert [server["name"] for server in document["servers"]] == ["prod", "staging"]
    assert (document["view"], document["left"], document["right"]) == ("compare", "prod", "staging")
    facts = {(one["section"], one["subject"], one["fact"]): one for one in document["differences"]}
    assert facts["queues", "only\x1b[2J", "there"]["left"] is True
    assert facts["versions", None, "sidekiq"]["left"] == ["8.1.7"]
    assert facts["versions", None, "sidekiq"]["right"] == []
    assert facts["processes", None, "threads"]["left"] == 5
    assert facts["errors", "Foo OnlyProd", "no"] | {"left": 1, "right": None} == facts["errors", "Foo OnlyProd", "no"]
    assert not [key for key in facts if key[0] == "errors" and "Both" in str(key[1])]
    assert not [key for key in facts if key[0] == "redis"]
    assert document["same"]["redis"] > 5


@pytest.mark.parametrize(
    "argv", [("--server", "prod", "compare", "staging"), ("compare", "--server", "prod", "staging")]
)
def test_servers_may_be_named_in_any_way(sqtui: Sqtui, file: str, argv: tuple[str, ...]) -> None:
    document = sqtui("--config", file, *argv, "-o", "json").document
    assert {document["left"], document["right"]} == {"prod", "staging"}


def test_every_format_says_the_same(sqtui: Sqtui, file: str) -> None:
    """But for the round trip, which a busy machine makes different once and not the next time."""
    trip = "round trip"
    argv = ("compare", "prod", "staging", "--config", file)
    document = [one["fact"] for one in sqtui(*argv, "-o", "json").document["differences"] if one["fact"] != trip]
    records = [one["fact"] for one in sqtui(*argv, "-o", "ndjson").records if one["fact"] != trip]
    assert records == document
    head, *lines = [line for line in sqtui(*argv, "-o", "csv").out.splitlines() if trip not in line]
    assert head == "section,subject,fact,kind,moving,left,right"
    assert len(lines) == len(records)
    table = sqtui(*argv).out
    head, *lines = [line for line in table.splitlines() if trip not in line]
    assert head.split("\t") == ["about", "subject", "fact", "prod", "staging"]
    assert len(lines) == len(records)
    assert "\x1b" not in table


@pytest.mark.parametrize("names", [("prod",), ("prod", "staging", "away"), ()])
def test_it_takes_two(sqtui: Sqtui, file: str, names: tuple[str, ...]) -> None:
    ran = sqtui("compare", *names, "--config", file)
    assert (ran.code, ran.out) == (2, "")
    assert "two servers" in ran.err


def test_one_that_is_away_leaves_nothing_to_compare(sqtui: Sqtui, file: str) -> None:
    ran = sqtui("compare", "prod", "away", "--config", file, "-o", "json")
    assert ran.code == 3
    assert ran.document["differences"] is None
    assert [server["ok"] for server in ran.document["servers"]] == [True, False]
    assert ran.err.startswith("sqtui: away: ")
    assert sqtui("compare", "prod", "away", "--config", file).out == ""
