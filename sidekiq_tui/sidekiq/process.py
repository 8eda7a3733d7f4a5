"""Sidekiq processes: what each wrote about itself at its last heartbeat (protocol 6.1-6.3, 6.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.payload import decode
from sidekiq_tui.sidekiq.replies import members, moment, natural, text, texts
from sidekiq_tui.sidekiq.stats import names_command

Status = Literal["running", "quieting", "quiet", "stopping"]

STALE_AFTER: Final = 60.0
"""Seconds after which a heartbeat is old: the life time of a process hash."""

COMMANDS_PER_PROCESS: Final = 3

_FIELDS: Final = ("info", "concurrency", "busy", "beat", "quiet", "rss", "rtt_us")
_SIGNALS_SHOWN: Final = 10
_SLICE: Final = 200


@dataclass(frozen=True, slots=True)
class Capsule:
    """A group of threads with its own queues: `capsules` in the info of 8.0.9+, `weights` of 7.0.2-8.0.8."""

    name: str
    """Empty before 8.0.9, which did not say."""
    concurrency: int | None
    mode: str | None
    """strict, random or weighted."""
    weights: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Process:
    """One process that has written its `info`; times in Unix seconds, `rss` in bytes, `rtt` in seconds."""

    identity: str
    hostname: str | None
    pid: int | None
    tag: str | None
    labels: tuple[str, ...]
    queues: tuple[str, ...]
    """Every queue that a capsule fetches from."""
    capsules: tuple[Capsule, ...]
    weights: Mapping[str, int]
    """Of all capsules; empty for 6.x and 7.0.0-7.0.1, which did not say."""
    concurrency: int | None
    busy: int | None
    rss: int | None
    rtt: float | None
    started_at: float | None
    beat: float | None
    quiet: bool
    """Has stopped fetching; true also while stopping."""
    status: Status
    stale: bool
    """The last beat is over 60 s old, or the hash has no expiry and so outlives its process."""
    version: str | None
    embedded: bool
    """Runs inside another program: signals do nothing."""
    signals: tuple[str, ...]
    """Waiting signals, the next one first."""
    leader: bool


def process_commands(keys: Keys, identity: str) -> tuple[Command, ...]:
    """What is asked about one process: COMMANDS_PER_PROCESS commands, for `parse_process`."""
    return (
        ("HMGET", keys.process(identity), *_FIELDS),
        ("LRANGE", keys.signals(identity), -_SIGNALS_SHOWN, -1),
        ("TTL", keys.process(identity)),
    )


def parse_process(identity: str, replies: Sequence[object], now: float, leader: str | None) -> Process | None:
    """A process from the replies to `process_commands`; None when it is dead: its hash is gone (protocol 6.3).

    Raises the SidekiqError that came instead of the hash. Signals and expiry that can't be read are left out.
    """
    values, waiting, ttl = replies
    if isinstance(values, SidekiqError):
        raise values
    hash_values = dict(zip(_FIELDS, values, strict=False)) if isinstance(values, list | tuple) else {}
    raw_info = hash_values.get("info")
    if not isinstance(raw_info, bytes):
        return None
    info = decode(raw_info) or {}
    capsules = _capsules(info)
    rss, rtt, beat = (
        natural(hash_values.get("rss")),
        natural(hash_values.get("rtt_us")),
        moment(hash_values.get("beat")),
    )
    signals = tuple(reversed(texts(waiting)))
    quiet, embedded = hash_values.get("quiet") == b"true", info.get("embedded") is True
    return Process(
        identity=identity,
        hostname=text(info.get("hostname")),
        pid=natural(info.get("pid")),
        tag=text(info.get("tag")),
        labels=texts(info.get("labels")),
        queues=_queues(capsules, info),
        capsules=capsules,
        weights={queue: weight for capsule in capsules for queue, weight in capsule.weights.items()},
        concurrency=_first(natural(hash_values.get("concurrency")), natural(info.get("concurrency"))),
        busy=natural(hash_values.get("busy")),
        rss=None if rss is None else rss * 1024,
        rtt=None if rtt is None else rtt / 1e6,
        started_at=moment(info.get("started_at")),
        beat=beat,
        quiet=quiet,
        status=_status(quiet, () if embedded else signals),
        stale=beat is None or now - beat > STALE_AFTER or ttl == -1,
        version=text(info.get("version")),
        embedded=embedded,
        signals=signals,
        leader=leader is not None and identity == leader,
    )


async def read_processes(db: Database, now: float) -> tuple[Process, ...]:
    """All processes that have a hash, by identity; `now` in Unix seconds. Two trips up to 200 processes.

    Raises SidekiqError when the names or the hashes may not be read; one hash of a wrong type is left out.
    """
    identities, leader_reply = await db.pipeline([names_command(db.keys.processes), ("GET", db.keys.leader)])
    if isinstance(identities, SidekiqError):
        raise identities
    leader = text(leader_reply)
    found: list[Process] = []
    names = members(identities) or ()
    for start in range(0, len(names), _SLICE):
        some = names[start : start + _SLICE]
        replies = await db.pipeline([command for name in some for command in process_commands(db.keys, name)])
        found += _live(some, replies, now, leader)
    return tuple(found)


def _live(names: Sequence[str], replies: Sequence[object], now: float, leader: str | None) -> list[Process]:
    step, errors, found = COMMANDS_PER_PROCESS, 0, []
    for number, name in enumerate(names):
        try:
            process = parse_process(name, replies[number * step : (number + 1) * step], now, leader)
        except SidekiqError:
            errors += 1
            if errors == len(names):
                raise
            continue
        if process is not None:
            found.append(process)
    return found


def _capsules(info: Mapping[str, object]) -> tuple[Capsule, ...]:
    """From `capsules` (8.0.9+), else `weights`: an object (7.0.2) or one object per capsule (7.0.3+)."""
    said = info.get("capsules")
    if isinstance(said, dict):
        return tuple(_capsule(name, one) for name, one in said.items() if isinstance(one, dict))
    weights = info.get("weights")
    groups = [weights] if isinstance(weights, dict) else weights if isinstance(weights, list) else []
    return tuple(_capsule("", {"weights": group}) for group in groups if isinstance(group, dict))


def _capsule(name: str, said: Mapping[str, object]) -> Capsule:
    stated = said.get("weights")
    weights = {queue: natural(weight) or 0 for queue, weight in stated.items()} if isinstance(stated, dict) else {}
    return Capsule(name, natural(said.get("concurrency")), text(said.get("mode")) or _mode(weights), weights)


def _mode(weights: Mapping[str, int]) -> str | None:
    if not weights:
        return None
    different = set(weights.values())
    return "strict" if different == {0} else "random" if different == {1} else "weighted"


def _queues(capsules: tuple[Capsule, ...], info: Mapping[str, object]) -> tuple[str, ...]:
    served = dict.fromkeys(queue for capsule in capsules for queue in capsule.weights)
    return tuple(served) or tuple(dict.fromkeys(texts(info.get("queues"))))


def _status(quiet: bool, signals: Sequence[str]) -> Status:
    """Protocol 6.5: a process says only that it is quiet; the rest is read from the signals it has yet to take."""
    if "TERM" in signals or "INT" in signals:
        return "stopping"
    if quiet:
        return "quiet"
    return "quieting" if "TSTP" in signals else "running"


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
