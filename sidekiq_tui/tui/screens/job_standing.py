"""Whether a job is still where it was when it was opened, from what a cheap look can tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sidekiq_tui.presentation.job_trail import in_words
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.sidekiq.job_watch import Look

Where = Literal["here", "moved", "gone", "unknown"]

_SHORT_JID: Final = 8


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the job stands: `place` in words for its history, `what` became of it for the line under the title."""

    where: Where
    place: str
    what: str = ""


def standing(job: JobRecord, look: Look, snapshot: ServerSnapshot) -> Standing:
    """What a look says about the job. Only bytes and JID count, so one that failed again is not recognised."""
    here = in_words(job.place)
    if job.place.kind == "work" and look.work is not None:
        return Standing("here", f"running on {display_text(look.work.identity, 60)}")
    if any(place == job.place for place, _ in look.sets):
        return Standing("here", here)
    left = f"no longer {here}"
    if look.work is not None:
        now = f"running on {display_text(look.work.identity, 60)}"
        return Standing("moved", now, f"{_name(job)} is {left}: it is {now}")
    for place, _ in look.sets:
        return Standing("moved", in_words(place), f"{_name(job)} is {left}: it is {in_words(place)} now")
    if job.place.kind == "queue" and not left_queue(job, snapshot):
        # Finding an entry of a queue costs as much as the queue is long.
        return Standing("unknown", here)
    why = "it ended, or failed" if job.place.kind == "work" else "it ran, or somebody moved, changed or deleted it"
    return Standing("gone", left, f"{_name(job)} is {left}: {why}")


def left_queue(job: JobRecord, snapshot: ServerSnapshot) -> bool:
    """Whether the last poll shows that a queue no longer holds the job: it is empty, or its oldest entry is younger."""
    overview = snapshot.overview
    queue = None if overview is None else next((one for one in overview.queues if one.name == job.place.queue), None)
    if queue is None:
        return False
    if queue.size == 0:
        return True
    since = job.waiting_since
    return since is not None and queue.oldest_at is not None and queue.oldest_at > since


def _name(job: JobRecord) -> str:
    return f"{display_text(job.jid[:_SHORT_JID])}…" if job.jid and len(job.jid) > _SHORT_JID + 1 else "the job"
