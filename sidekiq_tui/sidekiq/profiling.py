"""Profiles of single runs of a job (protocol 9, profiler.rb@8.1.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.payload import to_text
from sidekiq_tui.sidekiq.replies import moment, natural, real, text

MAX_PROFILES: Final = 1000

_FIELDS: Final = ("started_at", "jid", "type", "token", "size", "elapsed", "sid", "filename")


@dataclass(frozen=True, slots=True)
class JobProfile:
    """What is known about a profile without reading it; times in Unix seconds, size in bytes, `elapsed` in seconds."""

    key: str
    expires_at: float | None
    started_at: float | None
    jid: str | None
    type: str | None
    token: str | None
    size: int | None
    elapsed: float | None
    sid: str | None
    """Its name at the public viewer, once somebody has uploaded it."""
    filename: str | None


async def read_profiles(db: Database, now: float) -> tuple[JobProfile, ...]:
    """The newest MAX_PROFILES that have not expired by `now` (Unix seconds), latest expiry first; two trips.

    Ruby deletes the expired ones here; this only leaves them out, and those whose data is already gone.
    Raises SidekiqError.
    """
    listed = await db.command(
        "ZREVRANGEBYSCORE", db.keys.profiles, "+inf", f"({now!r}", "WITHSCORES", "LIMIT", 0, MAX_PROFILES
    )
    if not isinstance(listed, list | tuple) or not listed:
        return ()
    names = [name for name in listed[::2] if isinstance(name, bytes)]
    replies = await db.pipeline([("HMGET", db.keys.profile(to_text(name)), *_FIELDS) for name in names])
    errors = [reply for reply in replies if isinstance(reply, SidekiqError)]
    if errors and len(errors) == len(replies):
        raise errors[0]
    found = (_profile(*item) for item in zip(names, listed[1::2], replies, strict=False))
    return tuple(profile for profile in found if profile is not None)


async def read_profile_data(db: Database, key: str) -> bytes | None:
    """The profile itself: gzip-compressed JSON of any size, for the Firefox Profiler. None when it is gone.

    Raises SidekiqError.
    """
    data = await db.command("HGET", db.keys.profile(key), "data")
    return data if isinstance(data, bytes) else None


def _profile(name: bytes, score: object, values: object) -> JobProfile | None:
    if not isinstance(values, list) or len(values) != len(_FIELDS) or all(value is None for value in values):
        return None
    said = dict(zip(_FIELDS, values, strict=True))
    return JobProfile(
        key=to_text(name),
        expires_at=real(score),
        started_at=moment(said["started_at"]),
        jid=text(said["jid"]),
        type=text(said["type"]),
        token=text(said["token"]),
        size=natural(said["size"]),
        elapsed=real(said["elapsed"]),
        sid=text(said["sid"]),
        filename=text(said["filename"]),
    )
