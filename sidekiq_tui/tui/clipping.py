"""Jobs that were taken with `m` or `c`, to be put elsewhere with `P`: what is remembered of them, and where they go."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.operations import catalog
from sidekiq_tui.operations.selection import Matching, Rows, Whole
from sidekiq_tui.operations.targets import digest
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Span, label_role
from sidekiq_tui.presentation.text import clip as cut
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.tui import operating
from sidekiq_tui.tui.between import kinds_of, rules_of
from sidekiq_tui.tui.screens.listing import context_of
from sidekiq_tui.tui.subject import Clip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidekiq_tui.operations.plan import Plan
    from sidekiq_tui.operations.selection import Selection
    from sidekiq_tui.sidekiq.job import JobRecord
    from sidekiq_tui.tui.modals.confirm import Fact
    from sidekiq_tui.tui.screens.base import ViewScreen
    from sidekiq_tui.tui.state import AppState
    from sidekiq_tui.tui.subject import Subject

_NAME_CELLS: Final = 20
_SETS: Final = {"retry": "retries", "schedule": "scheduled", "dead": "dead"}


@dataclass(frozen=True, slots=True)
class Remembered:
    """A matcher for entries by their bytes: those that a filter matched when they were taken, and no others."""

    text: str
    digests: Mapping[Place, Counter[bytes]]

    def may_match(self, raw: bytes) -> bool:
        """Bytes of several entries don't tell."""
        return True

    def matches(self, job: JobRecord, now: float) -> bool:
        """Whether it was there then."""
        return digest(job.raw) in self.digests.get(job.place, ())


# Taking.


def take(screen: ViewScreen, subject: Subject, *, moves: bool) -> None:
    """Remembers jobs; the same ones once more: no longer."""
    state, jobs = screen.app_state, subject.jobs
    if jobs is None:
        return
    clip = state.clip
    if clip is not None and clip.moves == moves and clip.server == subject.server and clip.asked == jobs:
        put_down(screen)
        return
    if isinstance(jobs, Matching):
        operating.work(screen, _take_matching(screen, subject, jobs, moves=moves))
    else:
        count = len(jobs.jobs) if isinstance(jobs, Rows) else subject.count
        _taken(screen, Clip(subject.server, jobs, count, moves, _where(jobs), jobs))


async def _take_matching(screen: ViewScreen, subject: Subject, jobs: Matching, *, moves: bool) -> None:
    """Reads which entries match now: later ones are not among those that were taken."""
    found: dict[Place, Counter[bytes]] = {}
    began = time.monotonic()
    server = screen.app_state.registry.server(subject.server)
    try:
        for place in jobs.places:
            async with aclosing(server.scan(place, jobs.matcher)) as slices:
                async for part in slices:
                    found.setdefault(place, Counter()).update(digest(job.raw) for job in part.jobs)
                    if time.monotonic() - began > operating.PATIENCE_SECONDS and screen.is_front:
                        read = f"reading {units.count(part.read)} of {units.count(part.total)} …"
                        screen.show_progress((Span(read, "strong"),))
    except SqtuiError as error:
        screen.say(f"nothing was taken: {operating.words_of(error)}", "bad")
        return
    finally:
        screen.show_progress()
    count = sum(counts.total() for counts in found.values())
    if not count:
        screen.say("nothing was taken: none of it is there any more", "warn")
        return
    text = jobs.matcher.text.strip() or "what was taken"
    remembered = Matching(tuple(found), Remembered(text, found))
    _taken(screen, Clip(subject.server, remembered, count, moves, _where(jobs), jobs))


def _taken(screen: ViewScreen, clip: Clip) -> None:
    state = screen.app_state
    before, state.clip = state.clip, clip
    instead = "" if before is None else f" instead of the {_many(before)} from {before.server}"
    verb = "moves" if clip.moves else "copies"
    took = "all that is in it then" if isinstance(clip.jobs, Whole) else _many(clip)
    where = "on a queue, also of another server," if "queue" in kinds_of(clip.jobs) else "on a queue or another server"
    screen.say(f"took {took}{display_text(instead)}: P {where} {verb} them there", "ok")
    screen.draw_clip()
    screen.refresh_footer()


def put_down(screen: ViewScreen) -> bool:
    """Forgets what was taken; False when there is nothing."""
    state = screen.app_state
    clip, state.clip = state.clip, None
    if clip is None:
        return False
    stay = "stays where it is" if clip.count == 1 else "stay where they are"
    screen.say(f"put down: {_many(clip)} {stay} on {display_text(clip.server)}", "muted")
    screen.draw_clip()
    screen.refresh_footer()
    return True


def clip_words(state: AppState) -> Sequence[Span]:
    """What waits to be put elsewhere, short: `3 jobs cut from prod/default · P puts them`."""
    clip = state.clip
    if clip is None:
        return ()
    context = context_of(state)
    server = cut(context.safe(clip.server), _NAME_CELLS, ellipsis=context.glyphs.cut)
    place = cut(context.safe(clip.where), _NAME_CELLS, ellipsis=context.glyphs.cut)
    role = label_role(state.snapshots[clip.server].profile.label)
    return (
        Span(f"{_many(clip)} {'cut' if clip.moves else 'copied'} from ", "muted"),
        Span(server, role),
        Span(f"/{place} {context.glyphs.apart} ", "muted"),
        Span("P", "key"),
        Span(" pastes", "muted"),
    )


def _many(clip: Clip) -> str:
    if isinstance(clip.jobs, Whole):
        return "all jobs"
    return "1 job" if clip.count == 1 else f"{units.count(clip.count)} jobs"


def _where(jobs: Selection) -> str:
    """The place that they lie in, or how many there are of these."""
    places = _places(jobs)
    if len(places) > 1:
        return f"{len(places)} places"
    return places[0].queue or _SETS.get(places[0].kind, places[0].kind) if places else ""


def _places(jobs: Selection) -> list[Place]:
    match jobs:
        case Whole():
            return [jobs.place]
        case Matching():
            return list(jobs.places)
        case Rows():
            return list(dict.fromkeys(job.place for job in jobs.jobs))


# Putting.


def why_not_put(state: AppState, subject: Subject) -> str | None:
    """Why nothing can be put where a person is, in words; None when it can."""
    clip = state.clip
    if clip is None:
        return "nothing was taken yet: m takes jobs to move, c to copy"
    there = clip.server == subject.server
    if subject.queue is not None:
        here = there and clip.moves and _places(clip.jobs) == [Place("queue", subject.queue)]
        return "they are in this queue: P moves them to another one" if here else None
    if subject.whole is None:
        return "there is nothing to put them into: go to a queue, or on another server to the set they are from"
    if there:
        return "on their own server P puts them into a queue"
    kinds = set(kinds_of(clip.jobs))
    if kinds != {subject.whole.kind}:
        names = " and ".join(_SETS.get(kind, "queues") for kind in sorted(kinds))
        return f"they are from {names}: P puts them there, or into a queue"
    return None


def put(screen: ViewScreen, subject: Subject, argument: str) -> None:
    """Plans and asks; what was cut is forgotten once it is on its way."""
    clip = screen.app_state.clip
    if clip is not None:
        operating.work(screen, _put(screen, subject, clip, argument or subject.queue))


async def _put(screen: ViewScreen, subject: Subject, clip: Clip, queue: str | None) -> None:
    state = screen.app_state
    server, operation = putting(state, clip, subject.server, queue)
    run = await operating.carry_out(screen, server, operation, lambda plan: _gone(plan, clip))
    if run is not None and clip.moves and state.clip is clip:
        state.clip = None
        screen.draw_clip()
        screen.refresh_footer()


def putting(state: AppState, clip: Clip, server: str, queue: str | None) -> tuple[str, catalog.Operation]:
    """Where it is planned, and the operation: within one server a move or copy to a queue, else from one to another."""
    if clip.server == server:
        assert queue is not None
        if clip.moves:
            return server, catalog.MoveToQueue(jobs=clip.jobs, queue=queue)
        return server, catalog.Copy(jobs=clip.jobs, queue=queue)
    redact = rules_of(state, server)
    if clip.moves:
        return clip.server, catalog.Transfer(jobs=clip.jobs, target=server, queue=queue, redact=redact)
    return server, catalog.CopyAcross(jobs=clip.jobs, source=clip.server, queue=queue, redact=redact)


def _gone(plan: Plan, clip: Clip) -> Sequence[Fact]:
    """How many of those that were taken are no longer there."""
    if clip.count is None or not isinstance(clip.jobs, Matching):
        return ()
    gone = clip.count - plan.count - sum(count for _, count in plan.stays)
    return (("gone", (Span(f"{gone:,} of {clip.count:,} have left since they were taken", "warn"),)),) if gone else ()
