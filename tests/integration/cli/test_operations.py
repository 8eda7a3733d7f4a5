"""Commands that change a server: plan, guard, effect, JSON and exit code, against a real Redis."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from sidekiq_tui.demo.embedded import EmbeddedRedis
from tests.conftest import plain_client
from tests.integration.cli.conftest import Ran, Sqtui
from tests.integration.cli.operating import fill_queue, fill_set, job_counts, payload

Config = Callable[[str], str]


@pytest.fixture
def client(redis_server: EmbeddedRedis, redis_url: str) -> Any:
    with plain_client(redis_server) as connection:
        yield connection


@pytest.fixture
def file(config: Config, redis_url: str) -> str:
    """One server under several names: what guards it is in its profile."""
    return config(
        f'[servers.dev]\nurl = "{redis_url}"\n'
        f'[servers.prod]\nurl = "{redis_url}"\nlabel = "production"\n'
        f'[servers.look]\nurl = "{redis_url}"\naccess = "read-only"\n'
        '[servers.away]\nurl = "redis://127.0.0.1:1"\n'
    )


@pytest.fixture
def dev(sqtui: Sqtui, file: str) -> Sqtui:
    """A command line on the server that nothing guards."""

    def call(*argv: str) -> Ran:
        return sqtui("--config", file, "--server", "dev", *argv)

    return call


def only(ran: Ran) -> Any:
    """The element of the only server."""
    (server,) = ran.document["servers"]
    return server


def test_a_dry_run_changes_nothing_and_its_fingerprint_comes_again(client: redis.Redis, dev: Sqtui) -> None:
    fill_set(client, "dead", [payload(number) for number in range(5)])
    before = {key: client.dump(key) for key in client.scan_iter()}
    ran = dev("retry", "dead", "class:Invoice", "--dry-run")
    assert (ran.code, ran.err) == (0, "")
    lines = dict(line.split("\t", 1) for line in ran.out.splitlines()[1:])
    assert ran.out.splitlines()[0] == "Retry 5 jobs"
    assert lines["from"] == "Dead on dev"
    assert lines["filter"] == "class:Invoice"
    element = only(dev("retry", "dead", "class:Invoice", "--dry-run", "-o", "json"))
    assert element["dry_run"] is True
    assert element["outcome"] is None
    assert element["plan"]["fingerprint"].startswith(lines["plan"])
    assert element["plan"]["count"] == 5
    assert {key: client.dump(key) for key in client.scan_iter()} == before


def test_the_named_plan_is_carried_out_and_no_other(client: redis.Redis, dev: Sqtui) -> None:
    fill_set(client, "dead", [payload(number) for number in range(5)])
    plan = only(dev("retry", "dead", "class:Invoice", "--dry-run", "-o", "json"))["plan"]["fingerprint"]
    fill_set(client, "dead", [payload(77)])
    ran = dev("retry", "dead", "class:Invoice", "--plan", plan[:12], "--yes")
    assert ran.code == 4
    assert "nothing was done" in ran.err
    assert client.zcard("dead") == 6
    plan = only(dev("retry", "dead", "class:Invoice", "--dry-run", "-o", "json"))["plan"]["fingerprint"]
    ran = dev("retry", "dead", "class:Invoice", "--plan", plan[:12], "--yes")
    assert (ran.code, ran.err) == (0, "")
    assert (client.zcard("dead"), client.llen("queue:default")) == (0, 6)


def test_json_has_the_plan_and_what_became_of_each_entry(client: redis.Redis, dev: Sqtui) -> None:
    fill_set(client, "retry", [*(payload(number) for number in range(3)), payload(9, "Other")])
    ran = dev("kill", "retries", "class:Invoice", "--yes", "-o", "json")
    assert (ran.code, ran.err) == (0, "")
    element = only(ran)
    assert ran.document["view"] == "kill"
    assert (element["plan"]["count"], element["outcome"]["done"], element["outcome"]["ending"]) == (3, 3, "done")
    assert (client.zcard("dead"), client.zcard("retry")) == (3, 1)
    (line,) = dev("delete", "dead", "jid:=" + f"{0:024x}", "--yes", "-o", "ndjson").records
    assert (line["server"], line["outcome"]["done"]) == ("dev", 1)
    table = dev("delete", "dead", "class:Invoice", "--yes", "-o", "csv").out
    (row,) = csv.DictReader(io.StringIO(table))
    assert (row["server"], row["operation"], row["count"], row["done"], row["gone"]) == ("dev", "delete", "2", "2", "0")


@pytest.mark.parametrize(
    ("argv", "hint"),
    [
        (("delete", "dead", "class:Invoice"), "--yes"),
        (("delete", "dead"), "--confirm dev"),
        (("delete", "dead", "--yes"), "--confirm dev"),
        (("clear", "dead", "--yes"), "--confirm dev"),
    ],
    ids=" ".join,
)
def test_where_nobody_can_be_asked_nothing_is_done(
    client: redis.Redis, dev: Sqtui, argv: tuple[str, ...], hint: str
) -> None:
    fill_set(client, "dead", [payload(number) for number in range(3)])
    ran = dev(*argv)
    assert ran.code == 4
    assert hint in ran.err
    assert len(ran.err.splitlines()) == 1
    assert client.zcard("dead") == 3
    assert client.keys("sqtui:*") == []


def test_a_wrong_name_confirms_nothing(client: redis.Redis, dev: Sqtui, sqtui: Sqtui, file: str) -> None:
    fill_set(client, "dead", [payload(1)])
    assert dev("delete", "dead", "--confirm", "prod", "--yes").code == 4
    ran = sqtui("--config", file, "--server", "prod", "delete", "dead", "class:Invoice", "--yes")
    assert ran.code == 4
    assert "--confirm prod" in ran.err
    assert client.zcard("dead") == 1
    assert sqtui("--config", file, "--server", "prod", "delete", "dead", "--confirm", "prod").code == 0
    assert client.zcard("dead") == 0


@pytest.mark.parametrize("argv", [("delete", "dead", "class:Invoice"), ("retry", "dead"), ("clear", "dead")])
@pytest.mark.parametrize("held", [("--server", "look"), ("--server", "dev", "--read-only")], ids=["profile", "option"])
def test_read_only_wins_over_every_word(
    client: redis.Redis, sqtui: Sqtui, file: str, argv: tuple[str, ...], held: tuple[str, ...]
) -> None:
    fill_set(client, "dead", [payload(number) for number in range(3)])
    before = {key: client.dump(key) for key in client.scan_iter()}
    ran = sqtui("--config", file, *held, *argv, "--yes", "--confirm", "look", "--confirm", "dev")
    assert ran.code == 4
    assert {key: client.dump(key) for key in client.scan_iter()} == before


def test_operate_access_does_not_clear(client: redis.Redis, sqtui: Sqtui, file: str) -> None:
    fill_set(client, "dead", [payload(1)])
    ran = sqtui("--config", file, "--server", "prod", "clear", "dead", "--confirm", "prod")
    assert ran.code == 4
    assert "full access" in ran.err
    assert client.zcard("dead") == 1


def test_nothing_that_matches_is_nothing_to_do(client: redis.Redis, dev: Sqtui) -> None:
    fill_set(client, "dead", [payload(1)])
    ran = dev("delete", "dead", "class:Nothing")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("nothing to do")
    element = only(dev("delete", "dead", "class:Nothing", "-o", "json"))
    assert (element["ok"], element["plan"]["count"], element["outcome"]) == (True, 0, None)


def test_an_unreachable_server_does_not_hide_the_others(client: redis.Redis, sqtui: Sqtui, file: str) -> None:
    fill_set(client, "dead", [payload(1)])
    servers = ("--config", file, "--server", "away", "--server", "dev")
    ran = sqtui(*servers, "delete", "dead", "class:Invoice", "--yes", "-o", "json")
    assert ran.code == 3
    away, dev = ran.document["servers"]
    assert (away["ok"], away["plan"], dev["outcome"]["done"]) == (False, None, 1)
    assert ran.err.startswith("sqtui: away: ")


def test_of_several_servers_one_must_be_named(sqtui: Sqtui, file: str) -> None:
    ran = sqtui("--config", file, "delete", "dead", "class:Invoice", "--yes")
    assert ran.code == 2
    assert "--server" in ran.err


def test_each_command_has_its_effect(client: redis.Redis, dev: Sqtui) -> None:
    jobs = fill_set(client, "retry", [payload(number) for number in range(6)])
    assert dev("move", "retries", f"jid:={0:024x}", "--to", "low", "--yes").code == 0
    assert dev("edit", "retries", f"jid:={1:024x}", "--args", '["new"]', "--set", "retry=5", "--yes").code == 0
    assert dev("reschedule", "retries", f"jid:={2:024x}", "--by", "1h", "--yes").code == 0
    assert dev("enqueue", "retries", f"jid:={3:024x}", "--yes").code == 0
    assert dev("copy", "retries", f"jid:={4:024x}", "--to", "spare", "--yes").code == 0
    assert dev("kill", "retries", f"jid:={5:024x}", "--yes").code == 0
    members = client.zrange("retry", 0, -1)
    assert jobs[0].replace(b'"queue":"default"', b'"queue":"low"') in members
    assert jobs[1].replace(b'"args":[1]', b'"args":["new"]').replace(b'"retry":true', b'"retry":5') in members
    assert client.zscore("retry", jobs[2]) == 1_700_000_000.0 + 2 + 3600
    assert [json.loads(job)["jid"] for job in client.lrange("queue:default", 0, -1)] == [f"{3:024x}"]
    (copy,) = client.lrange("queue:spare", 0, -1)
    assert json.loads(copy)["args"] == [4]
    assert json.loads(copy)["jid"] != f"{4:024x}"
    assert client.zrange("dead", 0, -1) == [jobs[5]]


def test_queues(client: redis.Redis, dev: Sqtui) -> None:
    jobs = fill_queue(client, "mail", [payload(number, queue="mail") for number in range(4)])
    assert dev("front", "queue", "mail", f"jid:={3:024x}", "--yes").code == 0
    assert client.lrange("queue:mail", 0, -1) == [jobs[2], jobs[1], jobs[0], jobs[3]]
    assert dev("delete", "queue", "mail", f"jid:={3:024x}", "--yes").code == 0
    assert dev("move", "queue", "mail", "--to", "low", "--confirm", "dev").code == 0
    assert [json.loads(job)["jid"] for job in client.lrange("queue:low", 0, -1)] == [
        f"{number:024x}" for number in (2, 1, 0)
    ]
    assert dev("clear", "queue", "low", "--confirm", "dev").code == 0
    assert client.llen("queue:low") == 0
    assert sum(job_counts(client).values()) == 4, "in the trash"


def test_all_queues_at_once(client: redis.Redis, dev: Sqtui) -> None:
    fill_queue(client, "a", [payload(1, queue="a"), payload(2, "Other", queue="a")])
    fill_queue(client, "b", [payload(3, queue="b")])
    element = only(dev("delete", "queues", "class:Invoice", "--yes", "-o", "json"))
    assert (element["plan"]["places"], element["outcome"]["done"]) == ({"queue a": 1, "queue b": 1}, 2)
    assert (client.llen("queue:a"), client.llen("queue:b")) == (1, 0)


def test_push_and_import_and_export(client: redis.Redis, dev: Sqtui, tmp_path: Path) -> None:
    ran = dev("push", "Foo", "--args", "[1]", "--args", '["two"]', "--queue", "q", "--set", "retry=3", "--yes")
    assert (ran.code, ran.err) == (0, "")
    assert [json.loads(job)["args"] for job in client.lrange("queue:q", 0, -1)] == [["two"], [1]]
    assert dev("push", "Foo", "--at", "+1h", "--yes").code == 0
    assert client.zcard("schedule") == 1
    jid = json.loads(client.lindex("queue:q", 0) or "")["jid"]
    assert dev("push", "--from", jid, "--args", "[3]", "--yes").code == 0
    assert json.loads(client.lindex("queue:q", 0) or "")["args"] == [3]
    before = client.lrange("queue:q", 0, -1)
    file = tmp_path / "jobs.ndjson"
    assert dev("export", "queue", "q", "--file", str(file)).code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert dev("export", "queue", "q", "--file", str(file)).code == 1
    assert dev("export", "queue", "q", "--file", str(file), "--force").code == 0
    assert [json.loads(line)["raw"].encode() for line in file.read_text().splitlines()] == before
    assert dev("export", "queue", "q").out == file.read_text()
    client.delete("queue:q")
    assert dev("import", str(file), "--yes").code == 0
    assert sorted(json.loads(job)["jid"] for job in client.lrange("queue:q", 0, -1)) == sorted(
        json.loads(job)["jid"] for job in before
    )
    file.write_text(file.read_text() + "{}\n")
    ran = dev("import", str(file), "--yes")
    assert ran.code == 2
    assert "line 4" in ran.err
    assert client.llen("queue:q") == 3


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("push",), "push what?"),
        (("push", "Foo", "--from", "x"), "push what?"),
        (("push", "Foo", "--args", "{}"), "a JSON list"),
        (("push", "Foo", "--count", "0"), "push from 1"),
        (("push", "--from", "x", "--count", "2"), "--from makes one job"),
        (("import", "/nowhere"), "cannot be read"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_pushed_is_a_usage_error(dev: Sqtui, argv: tuple[str, ...], words: str) -> None:
    ran = dev(*argv, "--yes")
    assert ran.code == 2
    assert words in ran.err


def test_a_job_that_is_nowhere_is_no_template(client: redis.Redis, dev: Sqtui) -> None:
    ran = dev("push", "--from", "nowhere", "--yes")
    assert ran.code == 1
    assert "there is no job nowhere" in ran.err


def test_statistics(client: redis.Redis, dev: Sqtui) -> None:
    client.mset({"stat:processed": 7, "stat:failed": 3})
    assert dev("reset-stats", "failed", "--yes").code == 0
    assert client.mget("stat:processed", "stat:failed") == [b"7", b"0"]


def test_pausing_refuses_to_pretend(client: redis.Redis, dev: Sqtui) -> None:
    fill_queue(client, "mail", [payload(1, queue="mail")])
    ran = dev("pause", "mail", "--yes")
    assert ran.code == 4
    assert "Pro" in ran.err
    assert client.smembers("paused") == set()
