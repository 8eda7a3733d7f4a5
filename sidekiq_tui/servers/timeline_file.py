"""The timeline from one run to the next: a small private file. It holds names and digests, never a job or a message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from sidekiq_tui.servers.profile_edit import replace_file
from sidekiq_tui.servers.timeline import ServerTimeline, Timeline
from sidekiq_tui.servers.timeline_events import KINDS, ErrorsSeen, Event, Kind, ProcessSeen, Seen

FILE_NAME: Final = "timeline.json"
VERSION: Final = 1
KEPT_EVENTS: Final = 200
KEPT_SECONDS: Final = 7 * 86_400.0
"""Older events, and what was seen longer ago, are forgotten."""
MOST_NAMES: Final = 2000
"""Of processes, queues and causes: a server with more begins anew."""
MOST_BYTES: Final = 8 << 20
"""A longer file is not ours."""

_NOT_KEPT: Final[frozenset[Kind]] = frozenset(("operation",))
"""The audit keeps these."""


def load_timeline(path: Path, timeline: Timeline, *, now: float) -> None:
    """Puts what the file remembers into a timeline that has seen nothing yet; what is broken in it is left out."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return
    if not isinstance(document, dict) or document.get("version") != VERSION:
        return
    servers = document.get("servers")
    for name, said in servers.items() if isinstance(servers, dict) else ():
        try:
            timeline.servers[name] = _server(name, said, now)
        except (TypeError, ValueError, KeyError, AttributeError):
            continue


def save_timeline(path: Path, timeline: Timeline, *, now: float) -> None:
    """Writes what is to be remembered (mode 0600). Raises OSError."""
    servers = {name: _record(one, now) for name, one in timeline.servers.items()}
    document = {"version": VERSION, "servers": servers}
    replace_file(path, json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n")


def _record(one: ServerTimeline, now: float) -> dict[str, object]:
    events = [event for event in one.events if event.kind not in _NOT_KEPT and now - event.at < KEPT_SECONDS]
    return {
        "address": one.address,
        "away_since": one.away_since,
        "seen": _seen_record(one.seen),
        "errors": _errors_record(one.errors),
        "events": [_event_record(event) for event in events[-KEPT_EVENTS:]],
    }


def _event_record(event: Event) -> list[object]:
    return [event.at, event.kind, list(event.names), event.count, event.since, event.before, event.after]


def _seen_record(seen: Seen | None) -> dict[str, object] | None:
    if seen is None or max(len(seen.processes or ()), len(seen.queues or ())) > MOST_NAMES:
        return None
    processes = seen.processes
    return {
        "at": seen.at,
        "processes": None if processes is None else {key: [p.name, p.started_at] for key, p in processes.items()},
        "lost": sorted(seen.lost)[:MOST_NAMES],
        "versions": seen.versions,
        "tags": seen.tags,
        "queues": None if seen.queues is None else sorted(seen.queues),
        "paused": None if seen.paused is None else sorted(seen.paused),
        "redis": [seen.redis_version, seen.redis_role, seen.redis_started],
    }


def _errors_record(errors: ErrorsSeen | None) -> dict[str, object] | None:
    if errors is None or len(errors.causes) > MOST_NAMES:
        return None
    return {"at": errors.at, "causes": sorted(errors.causes)}


def _server(name: str, said: Mapping[str, Any], now: float) -> ServerTimeline:
    events = [_event(name, one) for one in said["events"]]
    seen, errors = _seen(said["seen"]), _errors(said["errors"])
    fresh = seen is not None and now - seen.at < KEPT_SECONDS
    return ServerTimeline(
        address=str(said["address"]),
        seen=seen if fresh else None,
        errors=errors if errors is not None and now - errors.at < KEPT_SECONDS else None,
        away_since=None if said["away_since"] is None else float(said["away_since"]),
        events=sorted((one for one in events if now - one.at < KEPT_SECONDS), key=lambda one: one.at),
    )


def _event(server: str, said: list[Any]) -> Event:
    at, kind, names, count, since, before, after = said
    if kind not in KINDS:
        raise ValueError(kind)
    known = cast(Kind, kind)
    return Event(
        float(at), server, known, tuple(map(str, names)), int(count), None if since is None else float(since),
        str(before), str(after),
    )  # fmt: skip


def _seen(said: Mapping[str, Any] | None) -> Seen | None:
    if said is None:
        return None
    version, role, started = said["redis"]
    processes = said["processes"]
    return Seen(
        at=float(said["at"]),
        processes=None
        if processes is None
        else {
            str(key): ProcessSeen(str(name), None if at is None else float(at)) for key, (name, at) in processes.items()
        },
        lost=frozenset(map(str, said["lost"])),
        versions=tuple(map(str, said["versions"])),
        tags=tuple(map(str, said["tags"])),
        queues=None if said["queues"] is None else frozenset(map(str, said["queues"])),
        paused=None if said["paused"] is None else frozenset(map(str, said["paused"])),
        redis_version=None if version is None else str(version),
        redis_role=None if role is None else str(role),
        redis_started=None if started is None else float(started),
    )


def _errors(said: Mapping[str, Any] | None) -> ErrorsSeen | None:
    return None if said is None else ErrorsSeen(float(said["at"]), frozenset(map(str, said["causes"])))
