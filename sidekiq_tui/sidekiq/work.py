"""Jobs in progress, as of each process's last heartbeat (protocol 6.4)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.payload import compact, decode, to_bytes
from sidekiq_tui.sidekiq.replies import fields, moment, text

_SLICE: Final = 200
_PLACE: Final = Place("work")


@dataclass(frozen=True, slots=True)
class Work:
    """A job that a thread of a process is running; `run_at` in Unix seconds."""

    identity: str
    tid: str
    queue: str | None
    run_at: float | None
    job: JobRecord


async def read_work(db: Database, identities: Sequence[str]) -> tuple[Work, ...]:
    """The work of these processes, oldest first; one trip per 200 processes.

    Raises the SidekiqError when no key could be read; single keys of a wrong type are left out.
    """
    replies: list[object] = []
    for start in range(0, len(identities), _SLICE):
        replies += await db.pipeline(work_commands(db.keys, identities[start : start + _SLICE]))
    return parse_work(identities, replies)


def work_commands(keys: Keys, identities: Sequence[str]) -> list[Command]:
    """What is asked about the work of processes: the key of 6.4.2 and later, and the one before; for `parse_work`."""
    return [("HGETALL", key) for name in identities for key in (keys.work(name), keys.workers_v6(name))]


def parse_work(identities: Sequence[str], replies: Sequence[object]) -> tuple[Work, ...]:
    """Work from the replies to `work_commands`, oldest first; raises as `read_work`."""
    found: list[Work] = []
    errors: list[SidekiqError] = []
    asked = [identity for identity in identities for _ in range(2)]
    for identity, reply in zip(asked, replies, strict=True):
        if isinstance(reply, SidekiqError):
            errors.append(reply)
        else:
            found += _work_of(identity, fields(reply))
    if errors and len(errors) == len(asked):
        raise errors[0]
    return tuple(sorted(found, key=_age))


def _age(work: Work) -> tuple[float, str, str]:
    return (math.inf if work.run_at is None else work.run_at, work.identity, work.tid)


def _work_of(identity: str, threads: Mapping[str, bytes]) -> Iterator[Work]:
    for tid, raw in threads.items():
        said = decode(raw)
        if said is None:
            yield Work(identity, tid, None, None, JobRecord(raw, _PLACE))
        else:
            queue = text(_either(said, "queue", "Queue"))
            payload = _payload(_either(said, "payload", "Payload"))
            yield Work(identity, tid, queue, moment(_either(said, "run_at", "RunAt")), JobRecord(payload, _PLACE))


def _either(said: Mapping[str, object], name: str, other: str) -> object:
    """A field under Sidekiq's name, or under the one of go-workers2 (protocol 11.6)."""
    return said[name] if name in said else said.get(other)


def _payload(value: object) -> bytes:
    """The job's bytes: a JSON text inside the JSON. 6.0.1 and older, and some ports, put the object itself there."""
    if isinstance(value, str):
        return to_bytes(value)
    try:
        return compact(value).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, RecursionError):
        return b""
