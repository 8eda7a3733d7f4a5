"""The failed jobs of a server as groups, kept without their payloads: 20 bytes an entry, and at most so many groups.

A million entries take about 30 MB, and each group some 3 KB.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sidekiq_tui.sidekiq.backtrace import first_own_frame
from sidekiq_tui.sidekiq.error_groups import (
    NAME_LENGTH,
    REST,
    Cause,
    ErrorGroup,
    FailureHistory,
    GroupMatcher,
    cause_of,
    failure_times,
)
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.sidekiq.keys import SetName
from sidekiq_tui.sidekiq.score_blocks import Entry, ScoreBlocks

SETS: Final[tuple[SetName, ...]] = ("retry", "dead")
MOST_GROUPS: Final = 5000
MOST_KINDS: Final = 50_000
"""Pairs of message and queue kept apart, over all groups."""
MESSAGES: Final = 20
"""Messages that a group keeps apart."""
MESSAGE_LENGTH: Final = 200
QUEUES: Final = 20
FRAMES: Final = 20
FRAMES_READ: Final = 200
"""Backtraces that are decoded for a group."""
SAMPLES: Final = 4
PAUSE: Final = 100
"""Entries put in place between two pauses: 100 take 6 ms."""

# A job dies when it fails; one that lies in dead long after its last failure was put there by hand.
_DIES_WITHIN: Final = 5.0

Found = Mapping[SetName, Sequence[tuple[range, Sequence[JobRecord]]]]
"""Runs of a set's blocks, in order, and the jobs that are there now."""


class Sample(NamedTuple):
    """A job that can be looked up again."""

    failed_at: float
    place: SetName
    score: float
    hash: int
    jid: str | None


@dataclass(slots=True)
class _Kind:
    """Entries that count alike: of one group, message and queue."""

    group: _Tally
    message: str | None
    queue: str | None
    retries: int = 0
    dead: int = 0


@dataclass(slots=True)
class _Tally:
    """What is known of a group."""

    cause: Cause
    kinds: dict[tuple[str | None, str | None], int] = field(default_factory=dict)
    messages: set[str] = field(default_factory=set)
    queues: set[str] = field(default_factory=set)
    first: float | None = None
    last: float | None = None
    frames: Counter[str] = field(default_factory=Counter)
    frames_read: int = 0
    samples: list[Sample] = field(default_factory=list)
    history: FailureHistory = field(default_factory=FailureHistory)


class ErrorIndex:
    """All entries of retry and dead that were read, and their groups."""

    def __init__(self) -> None:
        self.sets: Final[Mapping[SetName, ScoreBlocks]] = {name: ScoreBlocks() for name in SETS}
        self._tallies: dict[Cause, _Tally] = {}
        self._kinds: list[_Kind] = []
        self._free: list[int] = []

    def size(self, name: SetName) -> int:
        """Entries known of a set."""
        return self.sets[name].size

    def add(self, name: SetName, jobs: Iterable[JobRecord], now: float) -> None:
        """More entries of a set that is being read for the first time; `now` in Unix seconds."""
        blocks = self.sets[name]
        for job in jobs:
            entry = Entry(hash(job.raw), job.score or 0.0, self._kind(job))
            self._count(entry, name, 1)
            self._learn(job, entry, now, first_read=True)
            blocks.add(entry)

    def replacing(self, found: Found, now: float) -> Generator[None, None, tuple[int, int]]:
        """Puts ranges that were read again in the place of what was known of them: how many came, and how many left.

        Pauses now and then, so that others may go on; it has to come to its end all the same. An entry that is known
        already, only with another score or in the other set, neither came nor left.
        """
        before = {name: self._entries(name, parts) for name, parts in found.items()}
        kinds = {entry.hash: entry.kind for entries in before.values() for entry in entries}
        known = set(kinds)
        present: set[int] = set()
        after: dict[SetName, list[tuple[range, list[Entry]]]] = {}
        done = 0
        for name, parts in found.items():
            scores = {entry.hash: entry.score for entry in before[name]}
            after[name] = []
            for run, jobs in parts:
                entries: list[Entry] = []
                for job in jobs:
                    digest = hash(job.raw)
                    event = digest not in kinds
                    if event:
                        kinds[digest] = self._kind(job)
                    present.add(digest)
                    entry = Entry(digest, job.score or 0.0, kinds[digest])
                    entries.append(entry)
                    if scores.get(digest) != entry.score:
                        self._learn(job, entry, now, first_read=False, event=event)
                    done += 1
                    if done % PAUSE == 0:
                        yield
                after[name].append((run, entries))
        for name, ranges in after.items():
            self._recount(name, before[name], [entry for _, entries in ranges for entry in entries])
            self.sets[name].replace(ranges)
        self._forget(kinds, known - present)
        self._make_room({entry.kind for entries in before.values() for entry in entries})
        return len(present - known), len(known - present)

    def groups(self) -> tuple[ErrorGroup, ...]:
        """The groups that have jobs, the largest first."""
        groups = [group for tally in self._tallies.values() if (group := self._group(tally)) is not None]
        groups.sort(key=lambda group: (-group.count, -(group.last_at or 0.0), *map(str, group.cause)))
        return tuple(groups)

    def next_runs(self, cause: Cause, now: float, within: float) -> tuple[float, float, int] | None:
        """When the next and the last retry of a group is due (Unix seconds), and how many are within some seconds."""
        tally = self._tallies.get(cause)
        return None if tally is None else self.sets["retry"].next_runs(set(tally.kinds.values()), now + within)

    def samples(self, cause: Cause) -> tuple[Sample, ...]:
        """Jobs of a group that were there when it was read: those that failed last, then any other."""
        tally = self._tallies.get(cause)
        if tally is None:
            return ()
        kinds = set(tally.kinds.values())
        found = [(name, self.sets[name].last_of(kinds)) for name in reversed(SETS)]
        others = [Sample(0.0, name, entry.score, entry.hash, None) for name, entry in found if entry is not None]
        return (*tally.samples, *others)

    def matcher(self, cause: Cause) -> GroupMatcher:
        """What finds the jobs of a group in the sets."""
        return GroupMatcher(cause, self._tallies.keys() - {REST})

    # Entries

    def _entries(self, name: SetName, parts: Sequence[tuple[range, object]]) -> list[Entry]:
        blocks = self.sets[name].blocks
        return [entry for run, _ in parts for one in run for entry in blocks[one].entries()]

    def _kind(self, job: JobRecord) -> int:
        cause = cause_of(job)
        tally = self._tallies.get(cause)
        if tally is None:
            if len(self._tallies) >= MOST_GROUPS:
                cause = REST
            tally = self._tallies.setdefault(cause, _Tally(cause))
        message = _kept((job.error_message or "")[:MESSAGE_LENGTH], tally.messages, MESSAGES)
        queue = None if job.queue is None else _kept(job.queue[:NAME_LENGTH], tally.queues, QUEUES)
        kind = tally.kinds.get((message, queue))
        if kind is None and len(self._kinds) - len(self._free) >= MOST_KINDS:
            message = queue = None
            kind = tally.kinds.get((message, queue))
        if kind is None:
            kind = tally.kinds[message, queue] = self._new_kind(_Kind(tally, message, queue))
        return kind

    def _new_kind(self, kind: _Kind) -> int:
        if kind.message is not None:
            kind.group.messages.add(kind.message)
        if kind.queue is not None:
            kind.group.queues.add(kind.queue)
        if self._free:
            number = self._free.pop()
            self._kinds[number] = kind
        else:
            number = len(self._kinds)
            self._kinds.append(kind)
        return number

    def _recount(self, name: SetName, before: Iterable[Entry], after: Iterable[Entry]) -> None:
        for entry in before:  # one that was moved can be there twice, until both ranges are read again
            self._count(entry, name, -1)
        for entry in after:
            self._count(entry, name, 1)

    def _make_room(self, kinds: Iterable[int]) -> None:
        """Lets those of some kinds go that have no entries any more, and, where groups are many, the empty ones."""
        for number in kinds:
            kind = self._kinds[number]
            if kind.retries or kind.dead:
                continue
            tally = kind.group
            del tally.kinds[kind.message, kind.queue]
            self._free.append(number)
            tally.messages = {message for message, _ in tally.kinds if message is not None}
            tally.queues = {queue for _, queue in tally.kinds if queue is not None}
        # A cause that went to the rest stays there: its group would not find those jobs.
        rest = self._tallies.get(REST)
        if len(self._tallies) > MOST_GROUPS * 0.8 and (rest is None or not rest.kinds):
            self._tallies = {cause: tally for cause, tally in self._tallies.items() if tally.kinds}

    def _count(self, entry: Entry, name: SetName, by: int) -> None:
        kind = self._kinds[entry.kind]
        if name == "retry":
            kind.retries += by
        else:
            kind.dead += by

    def _learn(self, job: JobRecord, entry: Entry, now: float, *, first_read: bool, event: bool = True) -> None:
        """Notes when a job failed and where. `event`: a failure that was not counted yet."""
        tally = self._kinds[entry.kind].group
        first, last = failure_times(job, now)
        if first is not None:
            tally.first = first if tally.first is None else min(tally.first, first)
        if last is not None:
            tally.last = last if tally.last is None else max(tally.last, last)
            if event and (first_read or job.place.kind != "dead" or abs(entry.score - last) <= _DIES_WITHIN):
                tally.history.add(last, now)
            if first_read and first is not None and first != last:
                tally.history.add(first, now)
        self._sample(tally, job, entry, last or 0.0)
        if event and tally.frames_read < FRAMES_READ:
            lines = job.error_backtrace
            if lines:
                tally.frames_read += 1
                frame = first_own_frame(lines)
                if frame is not None and (frame in tally.frames or len(tally.frames) < FRAMES):
                    tally.frames[frame] += 1

    def _sample(self, tally: _Tally, job: JobRecord, entry: Entry, failed_at: float) -> None:
        samples = tally.samples
        newer = len(samples) < SAMPLES or failed_at > samples[-1].failed_at
        if not newer and all(one.hash != entry.hash for one in samples):
            return
        jid = job.jid
        name: SetName = "dead" if job.place.kind == "dead" else "retry"
        sample = Sample(failed_at, name, entry.score, entry.hash, None if jid is None else jid[:NAME_LENGTH])
        kept = [one for one in samples if one.hash != entry.hash]
        tally.samples = sorted([*kept, sample], key=lambda one: -one.failed_at)[:SAMPLES]

    def _forget(self, known: Mapping[int, int], gone: Iterable[int]) -> None:
        """Jobs that have left are nobody's sample."""
        left: dict[int, set[int]] = {}
        for digest in gone:
            left.setdefault(id(self._kinds[known[digest]].group), set()).add(digest)
        for tally in self._tallies.values() if left else ():
            hashes = left.get(id(tally))
            if hashes:
                tally.samples = [sample for sample in tally.samples if sample.hash not in hashes]

    def _group(self, tally: _Tally) -> ErrorGroup | None:
        retries = dead = others = 0
        messages: Counter[str] = Counter()
        queues: Counter[str] = Counter()
        for number in tally.kinds.values():
            kind = self._kinds[number]
            count = kind.retries + kind.dead
            if not count:
                continue
            retries += kind.retries
            dead += kind.dead
            if kind.message is None:
                others += count
            elif kind.message:
                messages[kind.message] += count
            if kind.queue is not None:
                queues[kind.queue] += count
        if retries + dead <= 0:
            return None
        frame, frame_jobs = next(iter(tally.frames.most_common(1)), (None, 0))
        return ErrorGroup(
            cause=tally.cause,
            retries=retries,
            dead=dead,
            queues=tuple(queues.most_common()),
            messages=tuple(messages.most_common()),
            other_messages=others,
            first_at=tally.first,
            last_at=tally.last,
            frame=frame,
            frame_jobs=frame_jobs,
            frames_read=tally.frames_read,
            sample_jid=next((sample.jid for sample in tally.samples if sample.jid is not None), None),
            history=tally.history,
        )


def _kept(value: str, known: set[str], most: int) -> str | None:
    """`value` if it is one of those kept apart, or can become one."""
    return value if value in known or len(known) < most else None
