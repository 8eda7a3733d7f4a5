"""Which Sidekiq wrote this data: version, signs of an edition, namespaces (protocol 16)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.keys import NAMESPACED_PROCESSES, NAMESPACED_QUEUES, Keys
from sidekiq_tui.sidekiq.payload import to_text
from sidekiq_tui.sidekiq.process import Process, read_processes
from sidekiq_tui.sidekiq.replies import members, scanned

_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_RELIABLE_LABEL: Final = "reliable"
_TRACE_MINUTES: Final = 15
_SCAN_COUNT: Final = 1000
_SCAN_ROUNDS: Final = 50


@dataclass(frozen=True, slots=True)
class Detection:
    """What is known about the Sidekiq behind a database."""

    versions: tuple[str, ...]
    """Said by live processes, oldest first; empty when none says so."""
    traces: tuple[str, ...]
    """Words about data without a live process: "metrics of 8.x"."""
    edition_signs: tuple[str, ...]


def versions_of(processes: Iterable[Process]) -> tuple[str, ...]:
    """The different versions that processes say they run, oldest first."""
    return tuple(sorted({process.version for process in processes if process.version}, key=_version_order))


def edition_commands(keys: Keys) -> tuple[Command, ...]:
    """Looks for keys that only Pro writes, by exact name; for `edition_signs`."""
    return (("EXISTS", keys.batches), ("EXISTS", keys.super_processes))


def edition_signs(
    replies: Sequence[object], *, paused: Iterable[str], leader: str | None, processes: Iterable[Process]
) -> tuple[str, ...]:
    """Signs of the paid editions, in words, from the replies to `edition_commands` and what a poll reads anyway.

    Never a certainty: other gems use the same names, and data outlives a licence.
    """
    labelled = any(_RELIABLE_LABEL in process.labels for process in processes)
    found = {
        "batches": replies[0] == 1,
        "super_fetch": replies[1] == 1 or labelled,
        "paused queues": any(True for _ in paused),
    }
    pro = [sign for sign, seen in found.items() if seen]
    signs = [f"signs of Pro: {', '.join(pro)}"] if pro else []
    return (*signs, "signs of Enterprise: leader election") if leader else tuple(signs)


async def detect(db: Database, now: float) -> Detection:
    """Versions, traces and signs at `now` (Unix seconds), in three or four trips; what may not be read is left out."""
    try:
        processes = await read_processes(db, now)
    except SidekiqError:
        processes = ()
    keys = db.keys
    traces = _trace_keys(keys, now)
    replies = await db.pipeline(
        [
            *edition_commands(keys),
            ("SSCAN", keys.paused, 0, "COUNT", 10),
            ("GET", keys.leader),
            *(("EXISTS", key) for _, key in traces),
        ]
    )
    found = dict.fromkeys(word for (word, _), reply in zip(traces, replies[4:], strict=True) if reply == 1)
    paused = members(replies[2]) or ()
    leader = to_text(replies[3]) if isinstance(replies[3], bytes) else None
    signs = edition_signs(replies[:2], paused=paused, leader=leader, processes=processes)
    return Detection(versions_of(processes), tuple(found), signs)


async def find_namespaces(db: Database) -> tuple[str, ...]:
    """Prefixes under which a Sidekiq up to 6.5 may live in this database (redis-namespace), by name.

    Walks at most _SCAN_ROUNDS x _SCAN_COUNT keys, so a huge database may hold more. Raises SidekiqError.
    """
    found: set[str] = set()
    for pattern in (NAMESPACED_QUEUES, NAMESPACED_PROCESSES):
        cursor, suffix = 0, pattern.lstrip(b"*")
        for _ in range(_SCAN_ROUNDS):
            reply = await db.command("SCAN", cursor, "MATCH", pattern, "COUNT", _SCAN_COUNT, "TYPE", "set")
            cursor, names = scanned(reply) or (0, [])
            found.update(to_text(name.removesuffix(suffix)) for name in names)
            if cursor == 0:
                break
    return tuple(sorted(name for name in found if name))


def _trace_keys(keys: Keys, now: float) -> list[tuple[str, bytes]]:
    """Computed names of metrics of the last minutes: no scan over a large database."""
    minutes = [datetime.fromtimestamp(now, UTC) - timedelta(minutes=age) for age in range(_TRACE_MINUTES)]
    return [
        *(("metrics of 8.x", keys.metrics_minute(minute)) for minute in minutes),
        ("metrics of 8.x", keys.metrics_ten_minutes(minutes[0])),
        *(("metrics of 7.x", keys.metrics_minute_v7(minute)) for minute in minutes),
        ("profiles: 8.x", keys.profiles),
    ]


def _version_order(version: str) -> tuple[list[int], str]:
    return ([int(number) for number in _NUMBER.findall(version)], version)
