"""How plans and outcomes read."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from sidekiq_tui.operations import catalog
from sidekiq_tui.operations.catalog import Operation
from sidekiq_tui.operations.outcome import Outcome, Progress, Tally
from sidekiq_tui.operations.plan import Plan, Price, ServerMark
from sidekiq_tui.operations.selection import Matching, Rows, Whole
from sidekiq_tui.operations.targets import Targets, targets_of
from sidekiq_tui.presentation.columns.base import Context, plain
from sidekiq_tui.presentation.deeds import row_question, title, word
from sidekiq_tui.presentation.outcomes import outcome_cell, outcome_record, progress_cell
from sidekiq_tui.presentation.plans import plan_facts, plan_record
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import JobRecord, Place

CONTEXT = Context(now=1000.0, time_mode="utc")
RETRIES = Place("retry")
JOB = JobRecord(b'{"class":"Invoice::ChargeJob","jid":"e5d1f0a9b2c3d4e5f6a7b8c9","args":[]}', RETRIES, 5.0)
FILTERED = Matching((RETRIES,), parse_filter("class:Invoice error:Timeout"))
EVIL = "\x1b]52;c;aGFja2Vk\x07"


def plan_of(operation: Operation, count: int = 118, **more: object) -> Plan:
    mark = ServerMark("run", (), 0, "", "master")
    plan = Plan(
        operation=operation,
        server="prod",
        label="production",
        mark=mark,
        mode="A",
        user="ops",
        count=count,
        made_at=999.0,
        fingerprint="0123456789abcdef" * 4,
    )
    return replace(plan, **more)  # type: ignore[arg-type]


def shown(plan: Plan, *, full: bool = False, context: Context = CONTEXT) -> list[tuple[str, str]]:
    return [(name, plain(cell)) for name, cell in plan_facts(plan, context, full=full)]


@pytest.mark.parametrize(
    ("operation", "count", "expected"),
    [
        (catalog.Delete(jobs=FILTERED), 118, "Delete 118 jobs"),
        (catalog.Delete(jobs=FILTERED, keep=False), 1, "Delete 1 job for good"),
        (catalog.Retry(jobs=FILTERED, reset=True), 12345, "Retry 12,345 jobs from the beginning"),
        (catalog.MoveToQueue(jobs=FILTERED, queue="low", front=True), 2, "Move 2 jobs to queue low, at its front"),
        (catalog.ToFront(jobs=FILTERED), 2, "Move 2 jobs to the front"),
        (catalog.Copy(jobs=FILTERED, at=0.0), 2, "Copy 2 jobs for 00:00:00Z"),
        (catalog.Reschedule(jobs=FILTERED, by=3600.0), 50, "Reschedule 50 jobs by 1h00m later"),
        (catalog.Reschedule(jobs=FILTERED, by=-60.0), 50, "Reschedule 50 jobs by 1m00s earlier"),
        (catalog.Reschedule(jobs=FILTERED, over=600.0), 50, "Reschedule 50 jobs over 10m from now"),
        (catalog.Reschedule(jobs=FILTERED, at=60.0), 50, "Reschedule 50 jobs to 00:01:00Z"),
        (catalog.Clear(place=Whole(Place("queue", "low"))), 932, "Clear queue low: 932 jobs"),
        (catalog.Pause(queues=("a", "b")), 2, "Pause 2 queues"),
        (catalog.SignalProcesses(signal="TTIN", identities=("a",)), 1, "Dump the threads of 1 process"),
        (catalog.ResetStatistics(), 2, "Reset processed and failed"),
        (catalog.Undo(operation="ab12"), 118, "Undo: put back 118 entries"),
    ],
    ids=lambda value: word(value) if isinstance(value, Operation) else None,
)
def test_a_title_tells_the_deed_and_the_number(operation: Operation, count: int, expected: str) -> None:
    assert title(plan_of(operation, count), CONTEXT) == expected


def test_facts_come_in_the_order_of_the_dialog_and_empty_ones_not_at_all() -> None:
    plan = plan_of(
        catalog.Delete(jobs=FILTERED),
        classes=(("Invoice::ChargeJob", 96), ("Invoice::SendJob", 20), ("A", 1), ("B", 1)),
        read=932,
        total=932,
        stays=(("cannot be decoded", 4),),
        notes=("4 belong to a batch, which will stay pending",),
        undo="yes, for 7 days: u",
    )
    assert shown(plan) == [
        ("from", "Retries on prod  production"),
        ("filter", "class:Invoice error:Timeout"),
        ("classes", "Invoice::ChargeJob 96  Invoice::SendJob 20  A 1  and 1 more"),
        ("counted", "118 of 932, all read, 1s ago"),
        ("stays", "4 cannot be decoded"),
        ("note", "▲ 4 belong to a batch, which will stay pending"),
        ("undo", "yes, for 7 days: u"),
    ]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ((None, None), []),
        ((4600.0, 4600.0), ["01:16:40Z"]),
        ((1060.0, 4600.0), ["00:17:40Z … 01:16:40Z"]),
        ((None, 4600.0, None), ["01:16:40Z, but 2 at once"]),
    ],
)
def test_new_jobs_that_wait_say_for_when(times: tuple[float | None, ...], expected: list[str]) -> None:
    plan = plan_of(catalog.Enlist(payloads=tuple((b"{}", "low", at) for at in times)))
    assert [value for name, value in shown(plan) if name == "run at"] == expected


def test_all_facts_have_the_price_and_the_fingerprint() -> None:
    price = Price(calls=2, seconds=0.5, sent=2048, received=100, memory=4096, longest_call=0.002)
    plan = plan_of(catalog.Pause(queues=("mailers",)), price=price, mode="B")
    facts = dict(shown(plan, full=True))
    assert facts["on"] == "prod  production  mailers"
    assert facts["price"] == (
        "2 calls, about 500ms, 2.0K sent, 100B received, 4.0K of the server's memory, others wait 2ms at most"
    )
    assert facts["plan"] == "0123456789ab"
    assert facts["user"] == "ops"
    assert "no trash" in facts["mode"]


def test_what_cannot_be_done_has_neither_a_price_nor_an_undo() -> None:
    price = Price(calls=2, seconds=0.5, memory=4096)
    plan = plan_of(catalog.Pause(queues=()), 0, price=price, refused="there is nothing to do", undo="yes", nothing=True)
    facts = dict(shown(plan, full=True))
    assert facts["refused"].endswith("there is nothing to do")
    assert not {"undo", "price"} & set(facts)
    assert plan_record(plan)["undo"] is None


def test_one_row_is_a_question_in_a_line() -> None:
    one = targets_of([JOB], keep=True)
    rows = Rows((JOB,))
    assert row_question(plan_of(catalog.Delete(jobs=rows), 1, targets=one), CONTEXT) == (
        "delete Invoice::ChargeJob e5d1f0a9…?"
    )
    move = catalog.MoveToQueue(jobs=rows, queue="low")
    assert row_question(plan_of(move, 1, targets=one), CONTEXT) == "move Invoice::ChargeJob e5d1f0a9… to queue low?"
    many = Targets({RETRIES: Counter({b"1" * 16: 2})})
    assert row_question(plan_of(catalog.Delete(jobs=rows), 2, targets=many), CONTEXT) == "delete 2 jobs?"


@pytest.mark.parametrize(
    ("operation", "question"),
    [
        (catalog.Pause(queues=("mailers",)), "pause queue mailers?"),
        (catalog.Pause(queues=("mailers",), paused=False), "unpause queue mailers?"),
        (catalog.SignalProcesses(signal="TSTP", identities=("app-1:9:ab",)), "quiet process app-1:9:ab?"),
        (catalog.SignalProcesses(signal="TTIN", identities=("app-1:9:ab",)), "dump the threads of process app-1:9:ab?"),
        (catalog.PruneProcesses(identities=("app-1:9:ab",)), "forget lost process app-1:9:ab?"),
        (catalog.CancelJobs(jids=("e5d1f0a9",)), "cancel iterable job e5d1f0a9?"),
        (catalog.DeleteProfiles(profiles=("e5d1f0a9-1",)), "delete profile e5d1f0a9-1?"),
        (catalog.Enlist(payloads=((b"{}", "low", None),)), "push Invoice::ChargeJob to queue low?"),
        (catalog.Enlist(payloads=((b"{}", "low", 4600.0),)), "push Invoice::ChargeJob to queue low for 01:16:40Z?"),
        (catalog.Enlist(payloads=((b"{}", EVIL, None),)), None),
        (catalog.Pause(queues=(EVIL,)), None),
    ],
)
def test_the_question_in_a_line_names_what_it_is_about(operation: catalog.Operation, question: str | None) -> None:
    asked = row_question(plan_of(operation, 1, classes=(("Invoice::ChargeJob", 1),)), CONTEXT)
    if question is None:
        assert "\x1b" not in asked
        assert "\x07" not in asked
    else:
        assert asked == question


def test_no_name_can_imitate_the_question_or_reach_the_terminal() -> None:
    queue = EVIL + "x" * 200
    place = Place("queue", queue)
    operation = catalog.MoveToQueue(jobs=Matching((place,), parse_filter(["word"])), queue=queue)
    plan = plan_of(
        operation,
        server=EVIL,
        label=EVIL,
        user=EVIL,
        classes=((queue, 1),),
        queues=((queue, 1), (EVIL, 1)),
        stays=((EVIL, 1),),
        notes=(EVIL,),
        refused=EVIL,
        undo=EVIL,
    )
    plans = (plan, replace(plan, refused=""))
    texts = [title(plan, CONTEXT), row_question(plan, CONTEXT)]
    texts += [text for one in plans for _, text in shown(one, full=True)]
    assert all("\x1b" not in text and "\x07" not in text for text in texts)
    assert len(title(plan, CONTEXT)) < 100
    edit = catalog.Edit(jobs=FILTERED, fields={EVIL: [EVIL]}, drop=(EVIL,))
    assert all("\x1b" not in text for _, text in shown(plan_of(edit)))


def test_a_plan_is_json_with_everything_but_the_entries() -> None:
    plan = plan_of(catalog.Edit(jobs=FILTERED, fields={"args": [1]}, drop=("x",)), places={"retry": 118})
    record = json.loads(json.dumps(plan_record(plan), allow_nan=False))
    assert record["operation"] == "edit"
    assert record["parameters"] == {"fields": {"args": [1]}, "drop": ["x"]}
    assert record["selection"] == {
        "kind": "matching",
        "places": [{"place": "retry", "queue": None}],
        "filter": "class:Invoice error:Timeout",
    }
    assert record["fingerprint"] == plan.fingerprint
    assert record["count"] == 118
    assert plan_record(plan_of(catalog.Pause(queues=("a",))))["selection"] is None


def test_progress_tells_how_far_how_fast_and_what_it_waits_for() -> None:
    operation = catalog.Delete(jobs=FILTERED)
    running = Progress(118, Tally(done=60, gone=4), "running", rate=2100.0)
    assert plain(progress_cell(operation, running, CONTEXT)) == "deleting 64 of 118 ━━━━━━━━────── 2,100/s"
    waiting = Progress(118, Tally(done=60), "waiting", words=f"prod is busy {EVIL}")
    assert "waiting  prod is busy" in plain(progress_cell(operation, waiting, CONTEXT))
    assert "\x1b" not in plain(progress_cell(operation, waiting, CONTEXT))
    assert plain(progress_cell(operation, Progress(0, Tally(), "ended"), CONTEXT)).startswith("deleting 0 of 0")


def test_an_outcome_tells_every_count() -> None:
    outcome = Outcome("ab", "done", Tally(done=117, gone=1), "deleted 117, 1 had already run", undo_id="ab")
    assert plain(outcome_cell(outcome, CONTEXT)) == "deleted 117, 1 had already run"
    record = json.loads(json.dumps(outcome_record(outcome)))
    assert (record["done"], record["gone"], record["untouched"], record["undo"]) == (117, 1, 0, "ab")
    failed = Outcome("ab", "failed", Tally(), f"stopped {EVIL}", error="OOM")
    assert "\x1b" not in plain(outcome_cell(failed, CONTEXT))
    assert outcome_cell(failed, CONTEXT)[0].role == "bad"
