"""``undo``, ``trash`` and ``audit``: what operations leave behind, on the command line."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from sidekiq_tui.demo.embedded import EmbeddedRedis
from tests.conftest import plain_client
from tests.integration.cli.conftest import Ran, Sqtui
from tests.integration.cli.operating import fill_queue, fill_set, payload
from tests.support.hostile import CONTROL_PATTERN


@pytest.fixture
def client(redis_server: EmbeddedRedis, redis_url: str) -> Any:
    with plain_client(redis_server) as connection:
        yield connection


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where journal and audit are, since the settings file says so."""
    return tmp_path / "kept"


@pytest.fixture
def dev(sqtui: Sqtui, config: Callable[[str], str], redis_url: str, folder: Path) -> Sqtui:
    file = config(f'[servers.dev]\nurl = "{redis_url}"\n[journal]\nfolder = "{folder}"\n')

    def call(*argv: str) -> Ran:
        return sqtui("--config", file, *argv)

    return call


def copies(folder: Path) -> int:
    """Batches whose bytes the journal keeps."""
    with closing(sqlite3.connect(folder / "journal.db")) as journal:
        return int(journal.execute("SELECT COUNT(blob) FROM batch").fetchone()[0])


def entries(ran: Ran) -> Any:
    (server,) = ran.document["servers"]
    return server["entries"]


def test_a_delete_is_listed_shown_and_undone(client: redis.Redis, dev: Sqtui) -> None:
    jobs = fill_set(client, "dead", [*(payload(number) for number in range(3)), payload(9, "Other")])
    scores = client.zrange("dead", 0, -1, withscores=True)
    assert dev("delete", "dead", "--confirm", "dev").code == 0
    (entry,) = entries(dev("undo", "-o", "json"))
    assert (entry["kind"], entry["count"], entry["whence"], entry["here"]) == ("delete", 4, "trash", True)
    assert entries(dev("trash", "-o", "json")) == [entry]
    assert f"{entry['id']}\t" in dev("trash").out
    (row,) = csv.DictReader(io.StringIO(dev("undo", "-o", "csv").out))
    assert (row["server"], row["id"], row["count"]) == ("dev", entry["id"], "4")
    found = dev("trash", "show", entry["id"][:6], "class:Other", "-o", "ndjson").records
    assert [one["raw"].encode() for one in found] == [jobs[3]]
    assert len(dev("trash", "show", "last", "--limit", "2", "-o", "ndjson").records) == 2
    ran = dev("trash", "restore", "last", "class:Other", "--yes", "-o", "json")
    assert ran.code == 0, ran.err
    assert ran.document["servers"][0]["outcome"]["done"] == 1
    assert client.zrange("dead", 0, -1) == [jobs[3]]
    assert dev("undo", entry["id"], "--yes").code == 0
    assert client.zrange("dead", 0, -1, withscores=True) == scores
    assert dev("trash", "restore", "last", "--yes").code == 1


def test_last_is_the_latest_of_this_machine(client: redis.Redis, dev: Sqtui) -> None:
    fill_set(client, "retry", [payload(1), payload(2, "Other")])
    assert dev("kill", "retries", "class:Invoice", "--yes").code == 0
    assert dev("enqueue", "retries", "class:Other", "--yes").code == 0
    assert dev("undo", "last", "--dry-run").code == 0
    assert client.llen("queue:default") == 1
    assert dev("undo", "last", "--yes").code == 0
    assert (client.llen("queue:default"), client.zcard("retry")) == (0, 1)
    assert dev("undo", "last", "--yes").code == 0
    assert (client.zcard("dead"), client.zcard("retry")) == (0, 2)
    ran = dev("undo", "last", "--yes")
    assert ran.code == 1
    assert "sqtui undo lists all" in ran.err


def test_a_cleared_queue_comes_back_in_its_order(client: redis.Redis, dev: Sqtui) -> None:
    fill_queue(client, "mail", [payload(number, queue="mail") for number in range(300)])
    before = client.lrange("queue:mail", 0, -1)
    assert dev("clear", "queue", "mail", "--confirm", "dev").code == 0
    assert client.llen("queue:mail") == 0
    assert len(dev("trash", "show", "last", "--limit", "all", "-o", "ndjson").records) == 300
    ran = dev("undo", "last", "--yes", "--confirm", "dev")
    assert ran.code == 0, ran.err
    assert client.lrange("queue:mail", 0, -1) == before


def test_a_queue_is_cleared_with_a_copy_here(client: redis.Redis, dev: Sqtui) -> None:
    fill_queue(client, "mail", [payload(number, queue="mail") for number in range(300)])
    before = client.lrange("queue:mail", 0, -1)
    assert dev("clear", "queue", "mail", "--keep-here", "--free", "--confirm", "dev").code == 2
    assert dev("clear", "queue", "mail", "--keep-here", "--confirm", "dev").code == 0
    assert client.keys("sqtui:trash*") == []
    assert dev("undo", "last", "--yes", "--confirm", "dev").code == 0
    assert client.lrange("queue:mail", 0, -1) == before


def test_what_a_worker_has_taken_makes_an_undo_partial(client: redis.Redis, dev: Sqtui) -> None:
    fill_set(client, "dead", [payload(number) for number in range(3)])
    assert dev("retry", "dead", "--confirm", "dev").code == 0
    client.rpop("queue:default")
    ran = dev("undo", "last", "--yes", "-o", "json")
    assert ran.code == 5
    outcome = ran.document["servers"][0]["outcome"]
    assert (outcome["done"], outcome["gone"]) == (2, 1)
    assert client.zcard("dead") == 2


@pytest.mark.parametrize("word", ["0123456789", "x", "lost"])
def test_an_unknown_id_is_said(client: redis.Redis, dev: Sqtui, word: str) -> None:
    for argv in (("undo", word), ("trash", "show", word), ("trash", "restore", word), ("resume", word)):
        ran = dev(*argv, "--yes") if "show" not in argv else dev(*argv)
        assert ran.code == 1
        assert "lists them" in ran.err


def test_nothing_there_is_an_empty_list(client: redis.Redis, dev: Sqtui) -> None:
    assert entries(dev("undo", "-o", "json")) == []
    assert entries(dev("trash", "-o", "json")) == []
    assert dev("audit", "-o", "ndjson").out == ""
    assert client.keys() == []


def test_the_audit_has_every_operation_with_its_end(client: redis.Redis, dev: Sqtui, folder: Path) -> None:
    fill_set(client, "dead", [payload(number) for number in range(3)])
    fill_queue(client, "mail", [payload(7, queue="mail")])
    assert dev("delete", "dead", "arg:2", "--yes").code == 0
    assert dev("front", "queue", "mail", "class:Invoice", "--yes", "-o", "json").code in (0, 5)
    ran = dev("audit", "-o", "json")
    assert (ran.code, ran.document["view"]) == (0, "audit")
    front, delete = ran.document["operations"]
    assert (front["kind"], delete["kind"], delete["server"], delete["count"]) == ("front", "delete", "dev", 1)
    assert delete["came_out"] == "deleted 1"
    assert delete["undo"] == delete["id"]
    assert len(dev("audit", "--limit", "1", "-o", "ndjson").records) == 1
    assert dev("audit", "--server", "prod", "-o", "ndjson").out == ""
    assert dev("audit", "--server", "dev").out.splitlines()[1].split("\t")[2:4] == ["dev", "front"]
    table = list(csv.DictReader(io.StringIO(dev("audit", "-o", "csv").out)))
    assert [row["kind"] for row in table] == ["front", "delete"]
    lines = [json.loads(line) for line in dev("audit", "export").out.splitlines()]
    assert [line["n"] for line in lines] == list(range(1, len(lines) + 1))
    kept = "".join(path.read_text() for path in (folder / "audit").glob("*.jsonl"))
    assert len(lines) == len(kept.splitlines())
    assert "arg:2" not in kept, "what jobs hold does not belong there"


def test_verify_says_whether_a_line_was_edited(client: redis.Redis, dev: Sqtui, folder: Path) -> None:
    fill_set(client, "dead", [payload(number) for number in range(3)])
    assert dev("audit", "verify").out.startswith("whole: 0 lines")
    assert dev("delete", "dead", "arg:2", "--yes").code == 0
    ran = dev("audit", "verify", "-o", "json")
    assert (ran.code, ran.document["whole"], ran.document["broken"]) == (0, True, [])
    (file,) = (folder / "audit").glob("*.jsonl")
    file.write_text(file.read_text().replace('"count":1', '"count":2', 1))
    ran = dev("audit", "verify")
    assert ran.code == 1
    assert ran.out.startswith("broken: ")
    assert not CONTROL_PATTERN.search(ran.out.replace("\n", ""))


def test_verify_compares_what_the_servers_have_seen(client: redis.Redis, dev: Sqtui, folder: Path) -> None:
    fill_set(client, "dead", [payload(number) for number in range(3)])
    assert dev("delete", "dead", "arg:2", "--yes").code == 0
    ran = dev("audit", "verify", "-o", "json")
    assert ran.document["servers"] == [{"name": "dev", "compared": True, "error": None}]
    assert "dev: its records were compared" in dev("audit", "verify").out
    (record,) = client.keys("sqtui:op:*")
    client.hset(record, "audit", f"1:{'0' * 64}")
    ran = dev("audit", "verify")
    assert ran.code == 1
    assert "line 1 is not the one that dev has seen" in ran.out


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('[servers.dev]\nurl = "redis://127.0.0.1:1"\n', "refused"),
        ('[servers.other]\nurl = "redis://127.0.0.1:1"\n', "it is no longer in the settings"),
    ],
)
def test_verify_says_which_servers_were_not_asked(
    client: redis.Redis, dev: Sqtui, config: Callable[[str], str], folder: Path, settings: str, said: str
) -> None:
    fill_set(client, "dead", [payload(number) for number in range(3)])
    assert dev("delete", "dead", "arg:2", "--yes").code == 0
    config(f'{settings}[journal]\nfolder = "{folder}"\n')
    ran = dev("audit", "verify")
    assert ran.code == 0
    assert "dev: its records were not compared: " in ran.out
    assert said in ran.out
    assert ran.out.startswith("whole: ")


def test_where_the_audit_cannot_be_written_nothing_is_done(client: redis.Redis, dev: Sqtui, folder: Path) -> None:
    fill_set(client, "dead", [payload(1)])
    folder.mkdir()
    (folder / "audit").write_text("in the way")
    ran = dev("delete", "dead", "class:Invoice", "--yes")
    assert ran.code == 4
    assert client.zcard("dead") == 1
    assert client.keys("sqtui:*") == []


def test_nobody_resumes_what_is_not_there(client: redis.Redis, dev: Sqtui) -> None:
    assert dev("resume", "-o", "json").document["servers"][0]["operations"] == []
    assert dev("resume", "--leave").code == 2
    assert dev("resume", "abcd", "--dry-run").code == 2
    assert dev("resume", "abcd", "--leave").code == 1


def test_purging_the_journal_takes_the_copies_of_jobs_away(client: redis.Redis, dev: Sqtui, folder: Path) -> None:
    assert dev("journal", "purge", "--yes").code == 0
    assert not (folder / "journal.db").exists()
    fill_set(client, "retry", [payload(number, "Invoice") for number in range(3)])
    assert dev("retry", "retries", "--confirm", "dev").code == 0
    assert copies(folder) == 1
    assert dev("journal", "purge").code == 2
    assert copies(folder) == 1
    ran = dev("journal", "purge", "--yes")
    assert (ran.code, ran.err) == (0, "sqtui: forgot 1 operation; the audit keeps its lines\n")
    assert entries(dev("undo", "-o", "json")) == []
    assert copies(folder) == 0
    assert len(dev("audit", "-o", "ndjson").records) == 1
