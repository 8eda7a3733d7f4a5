"""From the words of a command that acts to what is asked of which jobs."""

from __future__ import annotations

import asyncio

import pytest

from sidekiq_tui.cli.confirm import Answers
from sidekiq_tui.cli.main import commands
from sidekiq_tui.cli.parser import build_parser, parse
from sidekiq_tui.cli.past import named
from sidekiq_tui.cli.processes import identities
from sidekiq_tui.cli.requests import clear_operation, job_operation
from sidekiq_tui.errors import SqtuiError, UsageError
from sidekiq_tui.operations import catalog
from sidekiq_tui.operations.catalog import Operation
from sidekiq_tui.operations.history import UndoEntry
from sidekiq_tui.operations.selection import Matching, Whole
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.job import Place
from tests.unit.presentation.examples import process

SERVER = Server(Profile(name="prod"))


def operation(*argv: str) -> Operation:
    """What a command line asks of a server that it need not ask anything."""
    args = parse(build_parser(commands()), argv)
    make, _ = clear_operation(args) if argv[0] == "clear" else job_operation(args)

    async def made() -> Operation:
        return await make(SERVER)

    return asyncio.run(made())


def jobs_of(*argv: str) -> Whole | Matching:
    made = operation(*argv)
    assert isinstance(made, catalog.OfJobs)
    assert isinstance(made.jobs, Whole | Matching)
    return made.jobs


def test_without_a_filter_the_whole_place_is_meant() -> None:
    assert jobs_of("retry", "dead") == Whole(Place("dead"))
    assert jobs_of("delete", "queue", "mailers") == Whole(Place("queue", "mailers"))
    assert jobs_of("delete", "dead", "") == Whole(Place("dead")), "an empty variable of the shell"
    assert jobs_of("delete", "dead", "server:prod") == Whole(Place("dead"))


def test_a_filter_and_several_places() -> None:
    found = jobs_of("retry", "retries,dead,dead", "class:Invoice", "-Timeout", "--filter", "age>2h")
    assert isinstance(found, Matching)
    assert found.places == (Place("retry"), Place("dead"))
    assert found.matcher.text == "class:Invoice -Timeout age>2h"
    assert jobs_of("retry", "retries,dead") == Matching((Place("retry"), Place("dead")), found.matcher.__class__())


def test_filter_words_stand_anywhere_after_the_place() -> None:
    found = jobs_of("delete", "queue", "--dry-run", "low", "-x", "--rate", "5", "class:Foo")
    assert isinstance(found, Matching)
    assert found.places == (Place("queue", "low"),)
    assert found.matcher.text == "-x class:Foo"


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("retry", "dead", "--reset"), {"reset": True, "drain": False}),
        (("enqueue", "scheduled", "--drain"), {"drain": True}),
        (("delete", "dead"), {"keep": True}),
        (("delete", "dead", "--for-good"), {"keep": False}),
        (("move", "queue", "a", "--to", "b", "--front"), {"queue": "b", "front": True}),
        (("copy", "dead", "--to", "b", "--set", "retry=5"), {"queue": "b", "at": None, "fields": {"retry": 5}}),
        (("copy", "dead", "--at", "@60"), {"queue": None, "at": 60.0, "fields": {}}),
        (("reschedule", "retries", "--by", "1h30m"), {"at": None, "by": 5400.0, "over": None}),
        (("reschedule", "retries", "--by=-1h"), {"by": -3600.0}),
        (("reschedule", "scheduled", "--at", "@60", "--over", "10m"), {"at": 60.0, "by": None, "over": 600.0}),
        (
            ("edit", "dead", "--args", '[1, "a=b"]', "--set", 'queue="x=y"', "--drop", "tags"),
            {"fields": {"args": [1, "a=b"], "queue": "x=y"}, "drop": ("tags",)},
        ),
        (("clear", "queue", "low"), {"place": Whole(Place("queue", "low")), "keep": True}),
        (("clear", "dead", "--free"), {"place": Whole(Place("dead")), "keep": False}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_options_become_what_the_operation_says(argv: tuple[str, ...], expected: dict[str, object]) -> None:
    made = operation(*argv)
    assert made.kind == argv[0]
    assert {name: getattr(made, name) for name in expected} == expected


def test_a_time_of_day_is_of_this_machine_unless_utc_is_asked_for() -> None:
    made = operation("reschedule", "retries", "--at", "2026-01-01 00:00", "--time", "utc")
    assert isinstance(made, catalog.Reschedule)
    assert made.at == 1767225600.0


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("delete", "deda"), "no such place for jobs: deda"),
        (("delete", "retries,deda"), "no such place for jobs: deda"),
        (("delete", "queue"), "which queue?"),
        (("delete", "queue:low"), "no such place for jobs"),
        (("retry", "queue", "low"), "retry is not for jobs there"),
        (("retry", "queues"), "retry is not for jobs there"),
        (("kill", "dead"), "kill is not for jobs there"),
        (("front", "dead"), "front is not for jobs there"),
        (("reschedule", "dead", "--by", "1h"), "reschedule is not for jobs there"),
        (("reschedule", "retries"), "reschedule to when?"),
        (("reschedule", "retries", "--by", "1h", "--at", "now"), "--by shifts"),
        (("reschedule", "retries", "--by", "soon"), "soon"),
        (("reschedule", "retries", "--at", "soon"), "soon"),
        (("edit", "dead"), "edit what?"),
        (("edit", "dead", "--set", "retry"), "--set: not FIELD=JSON"),
        (("edit", "dead", "--set", "retry=five"), "--set retry: not JSON"),
        (("edit", "dead", "--args", "{}"), "arguments are a JSON list"),
        (("edit", "dead", "--args", "[NaN]"), "--args: not JSON"),
        (("edit", "dead", "--set", "retry=1", "--drop", "retry"), "retry is both set and dropped"),
        (("move", "dead", "--to", " "), "a queue needs a name"),
        (("clear", "dead", "class:Foo"), "clear takes no filter"),
        (("clear", "retries,dead"), "clear takes one queue or set"),
        (("clear", "queues"), "clear takes one queue or set"),
    ],
    ids=" ".join,
)
def test_what_fits_nothing_is_said_before_any_server_is_asked(argv: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        operation(*argv)
    assert message in caught.value.message
    assert caught.value.exit_code == 2


def test_a_servers_term_chooses_servers() -> None:
    args = parse(build_parser(commands()), ["delete", "dead", "server:prod", "class:Foo"])
    _, wants = job_operation(args)
    assert wants("production")
    assert not wants("staging")


def test_processes_by_identity_host_or_all() -> None:
    fleet = [
        process(identity="web-1:1:a", hostname="web-1"),
        process(identity="web-1:2:b", hostname="web-1"),
        process(identity="db:3:c", hostname="db"),
    ]
    assert identities(["web-1:2:b"], fleet) == ("web-1:2:b",)
    assert identities(["web-1", "web-1:1:a"], fleet) == ("web-1:1:a", "web-1:2:b")
    assert identities(["all"], fleet) == ("web-1:1:a", "web-1:2:b", "db:3:c")
    assert identities(["all"], []) == ()
    with pytest.raises(SqtuiError, match="web-2") as caught:
        identities(["web-2"], fleet)
    assert caught.value.hint == "did you mean web-1?"


def test_an_id_may_be_cut_as_long_as_it_is_one_alone() -> None:
    entries = [undo_entry("aabbccdd"), undo_entry("aabbffff"), undo_entry("1234")]
    assert named("1234", entries, "sqtui undo").id == "1234"
    assert named("aabbc", entries, "sqtui undo").id == "aabbccdd"
    for word in ("aabb", "123", "ffff", ""):
        with pytest.raises(SqtuiError):
            named(word, entries, "sqtui undo")


def undo_entry(id: str) -> UndoEntry:
    return UndoEntry(id, "prod", "delete", "deleted 1", 1, 0.0, "a@b", None, "trash", here=True)


@pytest.mark.parametrize("text", ["abc", "zz" * 10, "", "0123456789a"])
def test_a_fingerprint_must_be_one(text: str) -> None:
    args = parse(build_parser(commands()), ["delete", "dead", f"--plan={text}"])
    with pytest.raises(UsageError):
        Answers.of(args)
