"""Sidekiq processes: what each wrote about itself at its last heartbeat (protocol 6.1-6.3, 6.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Status = Literal["running", "quieting", "quiet", "stopping"]

STALE_AFTER: Final = 60.0
"""Seconds after which a heartbeat is old: the life time of a process hash."""


@dataclass(frozen=True, slots=True)
class Capsule:
    """A group of threads with its own queues (`capsules` in the info of 8.0.9 and later)."""

    name: str
    concurrency: int | None
    mode: str | None
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
    capsules: tuple[Capsule, ...]
    weights: Mapping[str, int]
    concurrency: int | None
    busy: int | None
    rss: int | None
    rtt: float | None
    started_at: float | None
    beat: float | None
    quiet: bool
    status: Status
    stale: bool
    version: str | None
    embedded: bool
    signals: tuple[str, ...]
    leader: bool
