"""``sqtui timeline``: what a server and this machine can tell at one look."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.paths import state_folder
from sidekiq_tui.servers.timeline import Timeline
from sidekiq_tui.servers.timeline_events import Event
from sidekiq_tui.servers.timeline_file import FILE_NAME, save_timeline
from sidekiq_tui.sidekiq.keys import Keys
from tests.integration.cli.conftest import Sqtui
from tests.support.fleets import client, fill_sets

KEYS = Keys("")


@pytest.fixture
def file(many_databases: EmbeddedRedis, config: Callable[[str], str]) -> str:
    """A server where something was deployed ten minutes ago, and one where nothing was."""
    fill_sets(many_databases, "retry", ())
    deployed = time.time() // 60 * 60 - 600
    when = datetime.fromtimestamp(deployed, UTC)
    info = {"hostname": "app-1", "pid": 7, "started_at": deployed + 30, "queues": ["low"], "version": "8.1.7"}
    with client(many_databases, 0) as one:
        one.hset(KEYS.marks(when.date()), when.strftime("%Y-%m-%dT%H:%M:00Z"), "v42\x1b]0;x\x07")
        one.sadd("processes", "app-1:7:aa")
        one.hset("app-1:7:aa", mapping={"info": json.dumps(info), "busy": 0, "beat": time.time()})
        one.expire("app-1:7:aa", 60)
        one.sadd("queues", "low")
    socket = many_databases.socket
    return config(
        f'[servers.prod]\nurl = "unix://{socket}?db=0"\n[servers.staging]\nurl = "unix://{socket}?db=1"\n'
        '[servers.away]\nurl = "redis://127.0.0.1:1"\n'
    )


def kinds(events: list[dict[str, object]]) -> list[object]:
    return [event["kind"] for event in events if event["kind"] != "redis started"]


def test_a_server_tells_deploys_and_starts_by_itself(sqtui: Sqtui, file: str) -> None:
    ran = sqtui("timeline", "--server", "prod", "--config", file, "-o", "json")
    assert (ran.code, ran.err) == (0, "")
    (server,) = ran.document["servers"]
    assert kinds(server["events"]) == ["started", "deploy"]
    started = next(event for event in server["events"] if event["kind"] == "started")
    assert (started["names"], started["count"], started["since"]) == (["app-1:7"], 1, None)
    assert (
        kinds(sqtui("timeline", "--server", "prod", "--hours", "0.1", "--config", file, "-o", "ndjson").records) == []
    )


def test_what_the_terminal_remembers_is_told_with_what_changed_since(
    sqtui: Sqtui, file: str, many_databases: EmbeddedRedis
) -> None:
    timeline = Timeline()
    seen = Event(time.time() - 300, "staging", "paused", ("low",), since=time.time() - 302)
    timeline.add_operations([seen])
    folder = state_folder()
    folder.mkdir(parents=True)
    save_timeline(folder / FILE_NAME, timeline, now=time.time())
    records = sqtui("timeline", "--all", "--config", file, "-o", "ndjson").records
    assert [(one["server"], one["kind"]) for one in records if one["kind"] != "redis started"] == [
        ("staging", "paused"),
        ("prod", "started"),
        ("prod", "deploy"),
    ]


def test_every_format_is_safe_and_one_that_is_away_does_not_hide_the_others(sqtui: Sqtui, file: str) -> None:
    ran = sqtui("timeline", "--all", "--config", file)
    assert ran.code == 3
    assert ran.err.startswith("sqtui: away: ")
    assert ran.out.splitlines()[0].split("\t") == ["ago", "within", "server", "what"]
    assert "deployed  v42" in ran.out
    assert "\x1b" not in ran.out
    csv = sqtui("timeline", "--server", "prod", "--config", file, "-o", "csv").out
    assert csv.splitlines()[0] == "server,at,since,kind,names,count,before,after,who,id"
    assert "\x1b" not in csv
    document = sqtui("timeline", "--all", "--config", file, "-o", "json").document
    assert [server["events"] is None for server in document["servers"]] == [False, False, True]
    assert document["total"]["events"] >= 2


def test_own_operations_are_told_with_who_did_them(sqtui: Sqtui, file: str, many_databases: EmbeddedRedis) -> None:
    with client(many_databases, 1) as one:
        one.zadd("dead", {'{"jid":"5c1b","class":"Foo","queue":"low","args":[]}': time.time()})
    ran = sqtui("delete", "dead", "--config", file, "--server", "staging", "--yes", "--confirm", "staging")
    assert ran.code == 0, ran.err
    records = sqtui("timeline", "--config", file, "--server", "staging", "-o", "ndjson").records
    (operation,) = [one for one in records if one["kind"] == "operation"]
    assert (operation["server"], operation["count"]) == ("staging", 1)
    assert operation["who"]
    assert operation["after"]
    others = sqtui("timeline", "--config", file, "--server", "prod", "-o", "ndjson").records
    assert "operation" not in kinds(others)
