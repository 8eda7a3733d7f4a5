"""What the timeline tells of two looks at a server, what it keeps, and what it remembers from one run to the next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sidekiq_tui.servers.error_book import ErrorBoard
from sidekiq_tui.servers.timeline import MOST_EVENTS, Timeline
from sidekiq_tui.servers.timeline_events import Event
from sidekiq_tui.servers.timeline_file import KEPT_EVENTS, KEPT_SECONDS, load_timeline, save_timeline
from sidekiq_tui.sidekiq.deploy import Mark
from sidekiq_tui.sidekiq.error_groups import Cause, ErrorGroup, FailureHistory
from sidekiq_tui.sidekiq.errors import ServerUnreachable
from sidekiq_tui.sidekiq.overview import Overview
from sidekiq_tui.sidekiq.process import Process
from sidekiq_tui.sidekiq.redis_info import RedisInfo
from tests.support.tui import NOW, make_overview, make_process, make_queue, make_snapshot

PLACE = "redis://h/0"


def process(number: int, started: float | None = NOW - 1e6, **changes: object) -> Process:
    one = make_process(identity=f"app-{number}:1:aa", hostname=f"app-{number}", pid=1, started_at=started)
    return replace(one, **changes)  # type: ignore[arg-type]


def look(at: float, *processes: Process, queues: Sequence[str] = ("default",), **changes: object) -> Overview:
    versions = tuple(sorted({one.version for one in processes if one.version}))
    return replace(
        make_overview(*(make_queue(name) for name in queues)),
        **{"read_at": at, "processes": processes, "sidekiq_versions": versions} | changes,  # type: ignore[arg-type]
    )


class Seen:
    """A timeline of one server, and what the last look added to it."""

    def __init__(self, first: Overview) -> None:
        self.timeline = Timeline()
        self.timeline.look("prod", PLACE, first)

    def then(self, overview: Overview) -> list[Event]:
        before = self.timeline.events()
        self.timeline.look("prod", PLACE, overview)
        return [event for event in self.timeline.events() if event not in before]


def test_a_first_look_tells_what_the_last_day_says_of_itself() -> None:
    started = [process(1, NOW - 500), process(2, NOW - 490), process(3, NOW - 90_000), process(4, None)]
    timeline = Seen(look(NOW, *started, redis=RedisInfo(uptime=3600, version="7.2"))).timeline
    events = [(event.kind, event.at, event.count, event.since) for event in timeline.events()]
    assert events == [("started", NOW - 500, 2, None), ("redis started", NOW - 3600, 1, None)]


def test_nothing_changed_is_no_event() -> None:
    overview = look(NOW, process(1))
    seen = Seen(overview)
    assert seen.then(replace(overview, read_at=NOW + 2)) == []
    assert seen.then(replace(overview, read_at=NOW + 2, queues=())) == []  # the same look, twice


def test_processes_come_end_and_are_lost() -> None:
    seen = Seen(look(NOW, process(1), process(2), process(3)))
    events = seen.then(look(NOW + 10, process(1), process(4, NOW + 5), ghosts=("app-3:1:aa",)))
    told = {(event.kind, event.names, event.at, event.since) for event in events}
    assert told == {
        ("started", ("app-4:1",), NOW + 5, None),
        ("ended", ("app-2:1",), NOW + 10, NOW),
        ("lost", ("app-3:1",), NOW + 10, NOW),
    }
    back = seen.then(look(NOW + 20, process(1), process(4, NOW + 5), process(3)))
    assert back == []  # its beat was late


def test_a_deploy_is_a_few_events_however_many_processes_it_starts() -> None:
    old = [process(number, version="8.1.6", tag="v1") for number in range(40)]
    new = [process(number + 100, NOW + 5, version="8.1.7", tag="v2") for number in range(40)]
    events = {event.kind: event for event in Seen(look(NOW, *old)).then(look(NOW + 10, *new))}
    assert set(events) == {"started", "ended", "versions", "tags"}
    assert (events["started"].count, len(events["started"].names)) == (40, 10)
    assert (events["versions"].before, events["versions"].after) == ("8.1.6", "8.1.7")
    assert (events["tags"].before, events["tags"].after) == ("v1", "v2")


def test_queues_come_go_and_are_paused() -> None:
    seen = Seen(look(NOW, queues=("a", "b")))
    paused = look(NOW + 2, queues=("a", "c"))
    paused = replace(paused, queues=(replace(paused.queues[0], paused=True), paused.queues[1]))
    assert {(event.kind, event.names) for event in seen.then(paused)} == {
        ("queues new", ("c",)),
        ("queues gone", ("b",)),
        ("paused", ("a",)),
    }
    assert [(event.kind, event.names) for event in seen.then(look(NOW + 4, queues=("a", "c")))] == [("resumed", ("a",))]


def test_what_may_not_be_read_for_a_while_has_not_gone() -> None:
    seen = Seen(look(NOW, process(1), queues=("a",)))
    denied = {"queues": "no", "processes": "no", "paused": "no"}
    assert seen.then(look(NOW + 2, queues=(), denied=denied)) == []
    assert seen.then(look(NOW + 4, process(1), queues=("a",))) == []


def test_a_start_that_seems_to_move_on_a_slow_line_is_no_restart() -> None:
    """Between the count of the uptime and our clock lie seconds where everything is late."""
    seen = Seen(look(NOW, redis=RedisInfo(uptime=60, version="7.0")))
    assert seen.then(look(NOW + 12, redis=RedisInfo(uptime=64, version="7.0"))) == []
    assert seen.then(look(NOW + 30, redis=RedisInfo(uptime=70, version="7.0"))) == []
    (event,) = seen.then(look(NOW + 200, redis=RedisInfo(uptime=100, version="7.0")))
    assert (event.kind, event.at) == ("redis started", NOW + 100)


def test_redis_restarts_changes_its_version_and_its_role() -> None:
    seen = Seen(look(NOW, redis=RedisInfo(uptime=90_000, version="7.0", role="master")))
    assert seen.then(look(NOW + 2, redis=RedisInfo(uptime=90_001, version="7.0", role="master"))) == []
    events = seen.then(look(NOW + 60, redis=RedisInfo(uptime=20, version="7.2", role="slave")))
    assert {(event.kind, event.at, event.before, event.after) for event in events} == {
        ("redis started", NOW + 40, "", "7.2"),
        ("redis version", NOW + 60, "7.0", "7.2"),
        ("redis role", NOW + 60, "master", "slave"),
    }


def test_a_server_that_goes_and_comes_back_is_told_once_each() -> None:
    timeline = Timeline()
    fine = make_snapshot("prod", overview=look(NOW, process(1)))
    gone = make_snapshot("prod", "offline", overview=look(NOW, process(1)), error=ServerUnreachable("refused"))
    gone = replace(gone, state_since=NOW + 5, taken_at=NOW)
    for snapshot in (fine, gone, gone, replace(fine, overview=look(NOW + 60, process(1))), fine):
        timeline.see(snapshot)
    events = [(event.kind, event.at, event.since, event.after) for event in timeline.events()]
    assert events == [("back", NOW + 60, NOW + 5, ""), ("offline", NOW + 5, NOW, "refused")]


def board(at: float, *groups: tuple[str, float | None], complete: bool = True) -> ErrorBoard:
    made = [
        ErrorGroup(Cause("Foo", name, ""), 2, 1, (), (), 0, first, first, None, 0, 0, None, FailureHistory())
        for name, first in groups
    ]
    return ErrorBoard(tuple(made), 2 * len(made), len(made), 3 * len(made), complete, None, at)


def test_errors_that_are_new_and_those_that_have_gone() -> None:
    timeline = Timeline()
    timeline.see_errors("prod", PLACE, board(NOW, ("Old", NOW - 1e6), ("Today", NOW - 60)))
    assert [(event.kind, event.names, event.at) for event in timeline.events()] == [
        ("errors new", ("Foo", "Today"), NOW - 60)
    ]
    timeline.see_errors("prod", PLACE, board(NOW + 50, ("Old", NOW - 1e6), ("Later", NOW + 20), ("Moved", NOW - 1e6)))
    told = {(event.kind, event.names, event.at, event.since) for event in timeline.events()[:3]}
    assert told == {
        ("errors new", ("Foo", "Later"), NOW + 20, None),
        ("errors new", ("Foo", "Moved"), NOW + 50, NOW),
        ("errors gone", (), NOW + 50, NOW),
    }
    before = timeline.events()
    timeline.see_errors("prod", PLACE, board(NOW + 60, complete=False))
    assert timeline.events() == before


def test_deploys_and_operations_are_told_once_and_an_operation_with_its_end() -> None:
    changed: list[str] = []
    timeline = Timeline(changed.append)
    for _ in range(2):
        timeline.see_deploys("prod", PLACE, [Mark(NOW - 60, "v1"), Mark(NOW, "v2")])
    begun = Event(NOW + 1, "prod", "operation", ("retry 5",), 5, id="7f", who="ann")
    timeline.add_operations([begun])
    timeline.add_operations([replace(begun, after="retried 5")])
    assert [(event.kind, event.names, event.after) for event in timeline.events()] == [
        ("operation", ("retry 5",), "retried 5"),
        ("deploy", ("v2",), "v2"),
        ("deploy", ("v1",), "v1"),
    ]
    assert changed == ["prod"] * 3


def test_events_of_all_servers_are_in_one_order_and_bounded() -> None:
    timeline = Timeline()
    for number in range(MOST_EVENTS + 50):
        timeline.see_deploys("a", PLACE, [Mark(NOW + 10 * number, f"v{number}")])
    timeline.see_deploys("b", PLACE, [Mark(NOW + 10 * 100 + 5, "other")])
    events = timeline.events()
    assert len(events) == MOST_EVENTS + 1
    assert list(events) == sorted(events, key=lambda event: -event.at)
    assert len(timeline.events(("b",))) == 1
    assert {event.server for event in timeline.events(since=NOW + 1000, until=NOW + 1010)} == {"a", "b"}


def test_the_next_run_tells_what_changed_while_nobody_looked(tmp_path: Path) -> None:
    path = tmp_path / "state" / "timeline.json"
    timeline = Seen(look(NOW, process(1), queues=("a", "b"))).timeline
    timeline.see_errors("prod", PLACE, board(NOW, ("Secret", NOW - 1e6)))
    timeline.see_deploys("prod", PLACE, [Mark(NOW - 60, "v1")])
    save_timeline(path, timeline, now=NOW)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "Secret" not in path.read_text("ascii")

    later = Timeline()
    load_timeline(path, later, now=NOW + 3600)
    assert [event.kind for event in later.events()] == ["deploy"]
    later.look("prod", PLACE, look(NOW + 3600, process(1), queues=("a", "c")))
    later.see_errors("prod", PLACE, board(NOW + 3600, ("Secret", NOW - 1e6), ("New", NOW + 100)))
    assert {(event.kind, event.since) for event in later.events()} == {
        ("deploy", None),
        ("queues new", NOW),
        ("queues gone", NOW),
        ("errors new", None),
    }


def test_what_is_remembered_of_another_place_or_long_ago_counts_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "timeline.json"
    timeline = Seen(look(NOW, process(1), queues=("a",))).timeline
    timeline.see_deploys("prod", PLACE, [Mark(NOW + number, f"v{number}") for number in range(KEPT_EVENTS + 5)])
    save_timeline(path, timeline, now=NOW)
    moved = Timeline()
    load_timeline(path, moved, now=NOW)
    assert len(moved.events()) == KEPT_EVENTS
    moved.look("prod", "redis://other/0", look(NOW + 60, process(1), queues=("b",)))
    assert moved.events() == ()
    late = Timeline()
    load_timeline(path, late, now=NOW + KEPT_SECONDS + 600)
    late.look("prod", PLACE, look(NOW + KEPT_SECONDS + 600, process(1), queues=("b",)))
    assert late.events() == ()


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"version":1,"servers":[]}', b"\xff\xfe", b'{"version":9}'])
def test_a_broken_file_is_no_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "timeline.json"
    path.write_bytes(content)
    timeline = Timeline()
    load_timeline(path, timeline, now=NOW)
    load_timeline(tmp_path / "nowhere", timeline, now=NOW)
    assert timeline.events() == ()


def test_one_broken_server_in_the_file_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "timeline.json"
    timeline = Timeline()
    for name in ("a", "b"):
        timeline.see_deploys(name, PLACE, [Mark(NOW, "v1")])
    save_timeline(path, timeline, now=NOW)
    document = json.loads(path.read_bytes())
    document["servers"]["a"]["events"][0][1] = "no such kind"
    path.write_text(json.dumps(document))
    loaded = Timeline()
    load_timeline(path, loaded, now=NOW)
    assert [event.server for event in loaded.events()] == ["b"]
