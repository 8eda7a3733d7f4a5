"""Commands that change several servers: one plan, one answer, an end for each, whatever happens to one of them."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import redis

from sidekiq_tui.demo.embedded import EmbeddedRedis
from tests.conftest import StartRedis, plain_client
from tests.integration.cli.conftest import Ran, Sqtui
from tests.integration.cli.operating import fill_queue, fill_set, payload
from tests.support.terminal import Terminal, sqtui

SGR: Final = re.compile(r"\x1b\[[0-9;]*m")
NAMES: Final = ("one", "two", "three")


@pytest.fixture
def clients(many_databases: EmbeddedRedis) -> Iterator[dict[str, Any]]:
    """A database each."""
    opened = {
        name: redis.Redis(unix_socket_path=str(many_databases.socket), db=30 + at, protocol=2, legacy_responses=False)
        for at, name in enumerate(NAMES)
    }
    for client in opened.values():
        client.flushdb()
    yield opened
    for client in opened.values():
        client.flushdb()
        client.close()


@pytest.fixture
def file(config: Callable[[str], str], many_databases: EmbeddedRedis) -> str:
    """Three servers, of which one is production; one that may only be read, one that is not there."""
    urls = {name: f"unix://{many_databases.socket}?db={30 + at}" for at, name in enumerate(NAMES)}
    servers = [f'[servers.{name}]\nurl = "{url}"\ngroup = "shop"\n' for name, url in urls.items()]
    servers[0] += 'label = "production"\naccess = "full"\n'
    look = f'[servers.look]\nurl = "unix://{many_databases.socket}?db=33"\naccess = "read-only"\ngroup = "lab"\n'
    return config("".join(servers) + look + '[servers.away]\nurl = "redis://127.0.0.1:1"\n')


@pytest.fixture
def on(sqtui: Sqtui, file: str) -> Callable[..., Ran]:
    """A command line on some servers."""

    def call(names: str, *argv: str) -> Ran:
        return sqtui("--config", file, *(word for name in names.split() for word in ("--server", name)), *argv)

    return call


def many(clients: dict[str, Any], key: str, counts: dict[str, int]) -> None:
    for name, count in counts.items():
        fill_set(clients[name], key, [payload(number) for number in range(count)])


def test_a_queue_is_cleared_on_all_of_a_group_by_one_answer(clients: dict[str, Any], sqtui: Sqtui, file: str) -> None:
    for name, count in (("one", 3), ("two", 5)):
        fill_queue(clients[name], "mail", [payload(number, queue="mail") for number in range(count)])
    group = ("--config", file, "--group", "shop", "clear", "queue", "mail")
    refused = sqtui(*group, "--confirm", "one")
    assert refused.code == 4
    assert "--confirm two" in refused.err
    assert clients["one"].llen("queue:mail") == 3
    ran = sqtui(*group, "--confirm", "one", "--confirm", "two", "-o", "json")
    assert (ran.code, ran.err) == (0, "")
    document = ran.document
    assert [server["name"] for server in document["servers"]] == list(NAMES)
    assert [server["outcome"] and server["outcome"]["done"] for server in document["servers"]] == [3, 5, None]
    total = document["total"]
    assert (total["count"], total["servers"], total["left_out"], total["outcome"]["done"]) == (8, 2, ["three"], 8)
    assert {server["outcome"]["id"][:12] for server in document["servers"][:2]} == {total["id"]}
    assert [client.exists("queue:mail") for client in clients.values()] == [0, 0, 0]
    back = sqtui("--config", file, "--group", "shop", "undo", "last", "--yes", "--confirm", "one")
    assert (back.code, back.err) == (0, "")
    assert [client.llen("queue:mail") for client in clients.values()] == [3, 5, 0]


def test_the_lines_of_all_and_of_each(clients: dict[str, Any], on: Callable[..., Ran]) -> None:
    many(clients, "dead", {"two": 3, "three": 4})
    ran = on("two three", "delete", "dead", "class:Invoice", "--yes")
    lines = ran.out.splitlines()
    assert (ran.code, lines[:2]) == (0, ["two: deleted 3", "three: deleted 4"])
    found = re.fullmatch(
        r"together: deleted 7 on 2 servers   (sqtui undo ([0-9a-f]{12}) --server two --server three) takes it back",
        lines[2],
    )
    assert found
    assert on("two three", "undo", found[2], "--yes").code == 0
    assert [clients[name].zcard("dead") for name in ("two", "three")] == [3, 4]
    audit = on("", "audit", "-o", "ndjson").records
    assert len(audit) == 4


def test_who_is_missing_is_in_the_plan_and_hides_nobody(clients: dict[str, Any], on: Callable[..., Ran]) -> None:
    many(clients, "dead", {"two": 3, "three": 4})
    names = "two away look three"
    plan = on(names, "delete", "dead", "class:Invoice", "--dry-run")
    assert plan.code == 3
    assert "Delete 7 jobs on 2 of 4 servers" in plan.out
    assert re.search(r"^\S*\taway +. .*refused", plan.out, re.MULTILINE), plan.out
    assert re.search(r"^\S*\tlook +. look is read-only here", plan.out, re.MULTILINE), plan.out
    ran = on(names, "delete", "dead", "class:Invoice", "--yes", "-o", "json")
    assert ran.code == 3
    assert [server["ok"] for server in ran.document["servers"]] == [True, False, False, True]
    assert ran.document["total"]["left_out"] == ["away", "look"]
    assert ran.err.splitlines()[1].startswith("sqtui: look: look is read-only here")
    assert [clients[name].zcard("dead") for name in ("two", "three")] == [0, 0]
    assert on("two look", "delete", "dead", "--confirm", "two").code == 4


def test_the_plan_of_all_stands_for_the_servers_too(clients: dict[str, Any], on: Callable[..., Ran]) -> None:
    many(clients, "dead", {"two": 3, "three": 4})
    words = ("delete", "dead", "class:Invoice")
    document = on("two three", *words, "--dry-run", "-o", "json").document
    fingerprint = document["total"]["fingerprint"][:12]
    each = [server["plan"]["fingerprint"][:12] for server in document["servers"]]
    fewer = on("two away", *words, "--yes", "--plan", fingerprint)
    assert fewer.code == 3
    assert "another one than you named" in fewer.err
    assert on("two three", *words, "--yes", "--plan", each[0]).code == 4
    assert [clients[name].zcard("dead") for name in ("two", "three")] == [3, 4]
    assert on("three two", *words, "--yes", "--plan", fingerprint).code == 0
    assert [clients[name].zcard("dead") for name in ("two", "three")] == [0, 0]
    many(clients, "dead", {"two": 3, "three": 4})
    assert on("two three", *words, "--yes", "--plan", each[0], "--plan", each[1]).code == 0


def test_processes_are_quieted_where_they_are(clients: dict[str, Any], on: Callable[..., Ran]) -> None:
    for name in ("two", "three"):
        info = json.dumps({"hostname": f"web-{name}", "pid": 1, "concurrency": 5, "queues": ["mail"]})
        identity = f"web-{name}:1:ab"
        clients[name].sadd("processes", identity)
        clients[name].hset(identity, mapping={"info": info, "busy": 0, "beat": time.time(), "quiet": "false"})
        clients[name].expire(identity, 60)
    ran = on("two three", "quiet", "web-two", "--yes")
    assert (ran.code, ran.err) == (0, ""), ran
    assert clients["two"].lrange("web-two:1:ab-signals", 0, -1) == [b"TSTP"]
    assert not clients["three"].exists("web-three:1:ab-signals")
    assert on("two three", "quiet", "all", "--yes").code == 0
    assert clients["three"].lrange("web-three:1:ab-signals", 0, -1) == [b"TSTP"]
    nobody = on("two three", "quiet", "web-four", "--yes")
    assert nobody.code == 1
    assert nobody.err.count("no process or host is called web-four") == 2


def test_one_question_names_each_server(clients: dict[str, Any], file: str) -> None:
    many(clients, "dead", {"one": 2, "two": 3})
    words = ("--server", "one", "--server", "two", "--server", "away", "delete", "dead", "class:Invoice")
    with Terminal(sqtui("--config", file, *words), columns=110) as terminal:
        terminal.wait_for("> ")
        shown = SGR.sub("", terminal.output.decode())
        assert "Delete 5 jobs on 2 of 3 servers" in shown
        for line in (r"one +2 jobs  production", r"two +3 jobs", r"away .*refused"):
            assert re.search(line, shown), shown
        assert "Type the server's name to go on: one" in shown
        terminal.send("one\r")
        assert terminal.wait_exit() == 3
        assert b"deleted 2" in terminal.output
    assert [clients[name].zcard("dead") for name in ("one", "two")] == [0, 0]
    with Terminal(sqtui("--config", file, "--all", "retry", "retries", "--dry-run"), columns=80) as terminal:
        assert terminal.wait_exit() == 3


def test_ctrl_c_stops_all_and_says_how_far_each_came(clients: dict[str, Any], file: str) -> None:
    many(clients, "dead", {"two": 2000, "three": 2000})
    words = ("--server", "two", "--server", "three", "delete", "dead", "--rate", "200")
    with Terminal(sqtui("--config", file, *words, "--confirm", "two", "--confirm", "three"), columns=120) as terminal:
        terminal.wait_for(" on 2 servers")
        terminal.wait(lambda: all(clients[name].zcard("dead") < 2000 for name in ("two", "three")), "first batches")
        terminal.send(b"\x03")
        assert terminal.wait_exit() == 130
        said = SGR.sub("", terminal.output.decode())
    for name in ("two", "three"):
        left = clients[name].zcard("dead")
        assert 0 < left < 2000
        assert f"{name}: deleted {2000 - left:,}, {left:,} untouched" in said


def test_a_server_that_dies_on_the_way_leaves_the_others_clear(
    embedded: StartRedis, config: Callable[[str], str]
) -> None:
    """Of the one that is killed the last batch is not known, and that is said. The other one ends as ever."""
    servers = {name: embedded(name) for name in ("lives", "dies")}
    file = config("".join(f'[servers.{name}]\nurl = "unix://{one.socket}"\n' for name, one in servers.items()))
    for server in servers.values():
        with plain_client(server) as client:
            fill_set(client, "dead", [payload(number) for number in range(1000)])
    words = ("--all", "delete", "dead", "--rate", "400", "--confirm", "lives", "--confirm", "dies", "--timeout", "2")
    with Terminal(sqtui("--config", file, *words), columns=110) as terminal:
        with plain_client(servers["dies"]) as client:
            pid = int(client.info("server")["process_id"])
            terminal.wait(lambda: client.zcard("dead") < 1000, "first batch")
        os.kill(pid, signal.SIGKILL)
        terminal.wait_for("lives: deleted 1,000")
        terminal.wait(
            lambda: re.search(rb"dies (checking|waiting)", terminal.output) is not None, "the one that is away"
        )
        terminal.send(b"\x03")  # else it waits for the one that is away, to know what became of it
        assert terminal.wait_exit() == 3
        said = SGR.sub("", terminal.output.decode())
    assert re.search(r"^dies: .*(outcome is unknown|dies does not answer).* \d+ untouched\s*$", said, re.MULTILINE), (
        said
    )
    assert re.search(r"(^|\x1b\[K)lives: deleted 1,000\s*$", said, re.MULTILINE), said
    with plain_client(servers["lives"]) as client:
        assert client.zcard("dead") == 0
