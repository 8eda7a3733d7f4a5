"""Finds jobs: what a matcher finds in one place or in all, or one jid anywhere. Bounded reads, with progress.

Whoever stops iterating stops the reading; a task may be cancelled at any slice.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import ReplyError
from sidekiq_tui.sidekiq.filter import Filter
from sidekiq_tui.sidekiq.filter_terms import FieldTerm, Word
from sidekiq_tui.sidekiq.find import Finder
from sidekiq_tui.sidekiq.find_script import ENTRIES, Needles
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.job_set import JobSet
from sidekiq_tui.sidekiq.keys import SET_NAMES
from sidekiq_tui.sidekiq.queue import Queue
from sidekiq_tui.sidekiq.replies import members, natural
from sidekiq_tui.sidekiq.small_queues import SmallQueues, Target
from sidekiq_tui.sidekiq.stats import names_command
from sidekiq_tui.sidekiq.walk import SLICE_SIZE, Stretch, containing, scan_set, walk_list, walk_set
from sidekiq_tui.sidekiq.work import read_work

# A jid that JSON writes as it is, so that the server can look for it.
_PLAIN_JID: Final = re.compile(r"[A-Za-z0-9_.:-]+")

_JID: Final = re.compile(r"[0-9A-Fa-f]{24}", re.ASCII)


class Matcher(Protocol):
    """What a search looks for. `Filter` is one."""

    @property
    def text(self) -> str:
        """How a title calls it."""

    def may_match(self, raw: bytes) -> bool:
        """False when the bytes alone show that none of the payloads in them, joined by line feeds, matches."""

    def matches(self, job: JobRecord, now: float) -> bool:
        """Whether the job is one of those wanted; `now` in Unix seconds. Never raises."""


@runtime_checkable
class Needled(Protocol):
    """A matcher that knows what must be in the bytes: then the server can look for that."""

    @property
    def needles(self) -> Needles:
        """Of each tuple one must be in a payload that matches, unless it `hides` what it says (see `find_script`)."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One read of a search: the jobs in it that match, and how far the search of this place is.

    `read` of `total` entries have been looked at; `complete`: that was the last read, and nothing was missed.
    """

    place: Place
    jobs: tuple[JobRecord, ...]
    read: int
    total: int
    complete: bool


async def scan(
    db: Database, place: Place, matcher: Matcher, *, now: float, slice_size: int | None = None
) -> AsyncIterator[Slice]:
    """What matches in one place, in its order: a queue newest first, sets as their pages. One round trip a slice.

    `now` (Unix seconds) is what `age` counts from. What stays in the place meanwhile is looked at exactly once (see
    `walk`). Raises SidekiqError.
    """
    if place.kind == "work":
        yield await _scan_work(db, matcher, now)
        return
    if place.kind == "queue" and place.queue is None:
        raise ReplyError("The names of the queues may not be read")
    finder = None
    if isinstance(matcher, Needled) and matcher.needles:
        finder = Finder(db, matcher.needles, slice_size or ENTRIES)
    async for stretch in _walk(db, place, slice_size or SLICE_SIZE, finder):
        found = _matching(stretch, place, matcher, now)
        yield Slice(place, found, stretch.read, stretch.total, stretch.complete)


def _matching(stretch: Stretch, place: Place, matcher: Matcher, now: float) -> tuple[JobRecord, ...]:
    """The jobs that match. Most slices of a search have none: one look at all their bytes tells."""
    entries = stretch.entries
    if isinstance(matcher, Filter) and not matcher.terms:
        return tuple([JobRecord(raw, place, score) for raw, score in entries])
    if not stretch.sifted:
        if not matcher.may_match(b"\n".join([raw for raw, _ in entries])):
            return ()
        entries = [entry for entry in entries if matcher.may_match(entry[0])]
    jobs = (JobRecord(raw, place, score) for raw, score in entries)
    return tuple(job for job in jobs if matcher.matches(job, now))


async def search(
    db: Database, matcher: Matcher, *, now: float, places: Sequence[Place] | None = None
) -> AsyncIterator[Slice]:
    """What matches in some places, or in all: work, the sets, then queue by queue, the shortest first.

    In all places, a filter that is nothing but a jid finds the jobs that have it (see `find_jid`), and queues that its
    `queue:` terms rule out are left out. A place that may not
    be read yields a slice that is not complete; raises SidekiqError when that is so for all, or the conversation fails.
    """
    jid = bare_jid(matcher) if places is None else None
    if jid is not None:
        async for found in find_jid(db, jid, now=now):
            yield found
        return
    if places is None:
        targets = [target for target in await _everywhere(db) if _may_be_in(target.place, matcher)]
    else:
        targets = [Target(place) for place in places]
    async for found in _in_turn(db, targets, matcher, now, lambda place: scan(db, place, matcher, now=now)):
        yield found


def _may_be_in(place: Place, matcher: Matcher) -> bool:
    """False for a queue whose name alone shows that none of its jobs matches."""
    terms = matcher.terms if isinstance(matcher, Filter) and place.queue is not None else ()
    queues = (term for term in terms if isinstance(term, FieldTerm) and term.field == "queue")
    return all(term.matches_texts([place.queue or ""]) for term in queues)


async def _in_turn(
    db: Database, targets: Sequence[Target], matcher: Matcher, now: float, look: Callable[[Place], AsyncIterator[Slice]]
) -> AsyncIterator[Slice]:
    """One place after another, small queues several in a trip. Those that may not be read yield that; raises if all."""
    left = deque(targets)
    small = SmallQueues(db)
    refusal: ReplyError | None = None
    answered = False
    while left:
        if left[0].small:
            grown: list[Target] = []
            for queue in await small.read(left):
                if isinstance(queue.raws, ReplyError):
                    refusal = refusal or queue.raws
                    yield Slice(queue.place, (), 0, 0, False)
                elif queue.raws is None:
                    grown.append(Target(queue.place))
                else:
                    answered = True
                    yield _whole(queue.place, queue.raws, matcher, now)
            left.extendleft(reversed(grown))
            continue
        place = left.popleft().place
        try:
            async for found in look(place):
                answered = True
                yield found
        except ReplyError as error:
            refusal = refusal or error
            yield Slice(place, (), 0, 0, False)
    if refusal is not None and not answered:
        raise refusal


def _whole(place: Place, raws: Sequence[bytes], matcher: Matcher, now: float) -> Slice:
    stretch = Stretch([(raw, None) for raw in raws], len(raws), len(raws), True)
    return Slice(place, _matching(stretch, place, matcher, now), len(raws), len(raws), True)


def bare_jid(matcher: Matcher) -> str | None:
    """The jid that is all there is to a filter, if it is so: 24 hexadecimal digits, as Sidekiq makes them."""
    terms = matcher.terms if isinstance(matcher, Filter) else ()
    word = terms[0] if len(terms) == 1 else None
    return word.text.lower() if isinstance(word, Word) and not word.negated and _JID.fullmatch(word.text) else None


async def find_jid(db: Database, jid: str, *, now: float) -> AsyncIterator[Slice]:
    """Looks for the jobs of exactly this jid everywhere, cheap places first: work, the sets, then queue by queue.

    Where the server may not be asked to look (see `find`), it still does in sets, by ZSCAN (a jid written with `\\u`
    escapes is missed then, as in Ruby); all queues are read. A place that may not be read yields a slice that is not
    complete; raises SidekiqError when that is so for all, or the conversation fails.
    """
    exactly = _ExactJid(jid)
    if db.scripts and exactly.needles:  # whether they run decides how the first set is read
        await Finder(db, exactly.needles, 1).in_set(db.keys.retry, None, descending=False)
    async for found in _in_turn(db, await _everywhere(db), exactly, now, lambda place: _look(db, place, exactly, now)):
        yield found


class _ExactJid:
    """Finds a jid in the letter case it has."""

    def __init__(self, jid: str) -> None:
        terms = Filter((FieldTerm("jid", (jid,), exact=True),))
        self.text: Final = jid
        self.needles: Final = terms.needles
        self.may_match: Final = terms.may_match

    def matches(self, job: JobRecord, now: float) -> bool:
        return job.jid == self.text


async def _look(db: Database, place: Place, exactly: _ExactJid, now: float) -> AsyncIterator[Slice]:
    if place.kind in SET_NAMES and _PLAIN_JID.fullmatch(exactly.text) and not db.scripts:
        async for stretch in scan_set(db, db.keys.job_set(place.kind), containing(exactly.text)):
            jobs = (JobRecord(raw, place, score) for raw, score in stretch.entries)
            found = tuple(job for job in jobs if exactly.matches(job, now))
            yield Slice(place, found, stretch.read, stretch.total, stretch.complete)
        return
    async for one in scan(db, place, exactly, now=now):
        yield one


def _walk(db: Database, place: Place, slice_size: int, finder: Finder | None) -> AsyncIterator[Stretch]:
    if place.kind == "queue" or place.kind == "work":
        return walk_list(db, Queue(db, place.queue or "").key, slice_size, finder)
    found = JobSet(db, place.kind)
    return walk_set(db, found.key, descending=found.descending, slice_size=slice_size, finder=finder)


async def _scan_work(db: Database, matcher: Matcher, now: float) -> Slice:
    """All jobs in progress at once: they are as many as threads."""
    place = Place("work")
    names = members(await db.command(*names_command(db.keys.processes))) or ()
    jobs = tuple(work.job for work in await read_work(db, names))
    return Slice(place, tuple(job for job in jobs if matcher.matches(job, now)), len(jobs), len(jobs), True)


async def _everywhere(db: Database) -> list[Target]:
    return [Target(Place("work")), *(Target(Place(name)) for name in SET_NAMES), *await _queues(db)]


async def _queues(db: Database) -> list[Target]:
    """The queues that may have jobs in them, the shortest first; one without a name when names may not be read."""
    names = members((await db.pipeline([names_command(db.keys.queues)]))[0])
    if names is None:
        return [Target(Place("queue"))]
    sizes = map(natural, await db.pipeline([("LLEN", db.keys.queue(name)) for name in names]))
    sized = sorted((-1 if size is None else size, name) for size, name in zip(sizes, names, strict=True))
    return [Target(Place("queue", name), None if size < 0 else size) for size, name in sized if size]
