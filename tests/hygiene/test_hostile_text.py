"""Nothing that data says reaches a terminal or a pipe as anything but visible text, whichever way it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from sidekiq_tui.presentation import flat, records
from sidekiq_tui.presentation.columns import (
    JOBS,
    QUEUES,
    SERVERS,
    SERVERS_ONCE,
    WORKERS,
    Column,
    Context,
    JobRow,
    ProcessRow,
    QueueRow,
    WorkRow,
    job_columns,
    layout,
    plain,
    servers_total,
)
from sidekiq_tui.presentation.columns.queues import SERVER
from sidekiq_tui.presentation.text import cell_width, clip, display_text, fit
from sidekiq_tui.presentation.values import json_text, pretty_lines, raw_lines, screen_args
from sidekiq_tui.servers.health import Health, Reason
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.process import Capsule
from sidekiq_tui.sidekiq.redis_info import RedisInfo
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_PAYLOADS, HOSTILE_TEXTS
from tests.unit.presentation.examples import NOW, overview, process, queue, snapshot, work

# What the shared corpus does not have: every C0 and C1 character, private and unassigned ones, tags, fillers.
MORE_TEXTS = (
    "".join(map(chr, range(0x20))) + "\x7f" + "".join(map(chr, range(0x80, 0xA0))),
    "\ue000\U000f0000\u0378\U000e0041\U000e007f",
    "\u3164\u115f\uffa0\u00ad\u034f\u180e",
    "\x1bPtmux;\x1b\x1b]52;c;QQ==\x07\x1b\\",
    "\x1b[6n\x05\x1bZ\x1b[c",
    "\u0600\u06dd\u070f\U000110bd",
    "x" * 100_000 + "\x1b[2J",
    "\u0301" * 200,
    "\udc80\udc9b\udcff\ud83d\ude00",
)
TEXTS = (*HOSTILE_TEXTS, *MORE_TEXTS)
CONTEXTS = (
    Context(now=NOW, server_names=("\x1b[31m",)),
    Context(now=NOW, ascii=True, time_mode="utc"),
    Context(now=NOW, complete=True, time_mode="local"),
)


def harmless(text: str) -> None:
    """No control character, no line break, no tab, and bytes that can be written."""
    assert not CONTROL_PATTERN.search(text), ascii(text[:200])
    assert "\n" not in text
    assert "\t" not in text
    text.encode("utf-8")


def draw(columns: Sequence[Column[Any]], row: Any) -> None:
    """Every cell of a row in full, and as lines of several widths."""
    for context in CONTEXTS:
        for column in columns:
            harmless(plain(column.cell(row, context)))
            if column.sort is not None:
                column.sort(row, context)
        for width in () if context.complete else (20, 76, 116, 200):  # what goes to a pipe is never fitted
            for column, wide in layout(columns, width):
                shown = plain(column.fitted(row, context, wide))
                harmless(shown)
                assert cell_width(shown) == wide, column.key


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:20]))
def test_text(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    for value in (text, raw):
        harmless(display_text(value))
        harmless(display_text(value, None))
    for width in range(12):
        harmless(clip(text, width))
        harmless(fit(text, width, "right", "left"))
        assert cell_width(fit(text, width)) == width
    for line in (json_text([text, {text: text}]), *pretty_lines({text: [text]}), *raw_lines(raw)):
        harmless(line)
    harmless(flat.csv_line([text, [text]]))


def places() -> Iterator[Place]:
    yield Place("queue", "\x1b]52;c;QQ==\x07")
    for kind in ("retry", "schedule", "dead", "work"):
        yield Place(kind)


@pytest.mark.parametrize("raw", HOSTILE_PAYLOADS, ids=lambda raw: ascii(raw[:40]))
def test_jobs(raw: bytes) -> None:
    for place in places():
        job = JobRecord(raw, place, 1e300 if place.kind == "dead" else NOW)
        kind = "search" if place.kind == "work" else place.kind
        draw(JOBS[kind], job)
        harmless(json_text(screen_args(job)))
        text = json.dumps(records.job_record(job, NOW, place=True), ensure_ascii=True, allow_nan=False)
        harmless(text)
        assert text.isascii()
        harmless(flat.csv_row("job", {"server": "\x1b[2J", **records.job_record(job, NOW, place=True)}))
    draw(
        job_columns("dead", server=True, time_mode="utc"), JobRow(JobRecord(raw, Place("dead"), NOW), "\x1b[2J", "\x9b")
    )
    draw(WORKERS, WorkRow(work(identity="\x1b", tid="\x1b[2J", queue="\u202e", job=JobRecord(raw, Place("work")))))


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:20]))
def test_servers_queues_and_processes_named_by_an_enemy(text: str) -> None:
    name = text[:200]
    late = queue(name, 5, 99.0)
    hostile = process(
        identity=name,
        hostname=name,
        tag=name,
        labels=(name,),
        queues=(name,),
        capsules=(Capsule(name, 2, name, {name: 5}),),
        version=name,
        embedded=True,
        leader=True,
    )
    data = overview(
        queues=(late,),
        processes=(hostile,),
        sidekiq_versions=(name,),
        denied={name: name},
        redis=RedisInfo(version=name, maxmemory_policy=name),
    )
    row = snapshot(name, name, overview=data, reasons=(Reason("bad", name, name),))
    for columns in (SERVERS, SERVERS_ONCE):
        draw(columns, row)
        draw(columns, servers_total([row, row]))
    draw((SERVER, *QUEUES), QueueRow(late, server=name, series=row.series))
    draw(WORKERS, ProcessRow(hostile, odd_version=True))
    draw(WORKERS, ProcessRow(process(hostname=None, identity=name)))
    printed = [
        records.servers_record(data, Health("bad", (Reason("bad", name, name),)), name),
        records.queues_record(data.queues),
        records.workers_record(data.processes, [work(identity=name, tid=name, queue=name)], NOW),
    ]
    for record in printed:
        shown = json.dumps(records.server_element(name, record), ensure_ascii=True, allow_nan=False)
        harmless(shown)
        assert shown.isascii()
    for view, record in zip(("servers", "queues", "workers"), printed, strict=True):
        for one in flat.flat_records(view, [records.server_element(name, record)]):
            harmless(flat.csv_row(view, one))
