"""One job, wherever it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli import diagnostics, render
from sidekiq_tui.cli.searching import PLACES, look_everywhere
from sidekiq_tui.cli.view import Outcome, View, answers
from sidekiq_tui.presentation import records, units
from sidekiq_tui.presentation.columns import Cell, Context, Span
from sidekiq_tui.presentation.columns.jobs import class_cell, error_cell
from sidekiq_tui.presentation.values import pretty_lines, raw_lines
from sidekiq_tui.servers.fleet_search import FleetSearch
from sidekiq_tui.sidekiq.job import JobRecord

if TYPE_CHECKING:
    from sidekiq_tui.cli.render import Look
    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.server import Server

NOT_FOUND: Final = 1
_SCORES: Final = {"retry": "next try", "schedule": "runs", "dead": "died"}


class JobView(View[list[JobRecord]]):
    """All places where a job of this JID lies."""

    word = "job"

    def __init__(self, jid: str, *, deadline: float | None = None) -> None:
        """`deadline` seconds for each server; None: as long as it answers."""
        self._jid = jid
        self._deadline = deadline

    async def ask(self, servers: Sequence[Server]) -> list[Outcome[list[JobRecord]]]:
        """Look through everything on all servers at once, slice by slice."""
        return await look_everywhere(
            servers,
            lambda fleet: FleetSearch.for_jid(fleet, self._jid, deadline=self._deadline),
            lambda jobs, progress: list(jobs),
            more="the job may be there",
        )

    async def read(self, server: Server) -> list[JobRecord]:
        """One server."""
        (outcome,) = await self.ask([server])
        if outcome.value is None:
            raise outcome.error or RuntimeError("a search without a result")
        return outcome.value

    def element(self, profile: Profile, value: list[JobRecord], now: float) -> records.Record:
        """The job once a place."""
        return {"jobs": [records.job_record(job, now, place=True) for job in value]}

    def element_without(self, profile: Profile, error: Exception) -> records.Record:
        """No jobs."""
        return {"jobs": []}

    def table(self, outcomes: Sequence[Outcome[list[JobRecord]]], now: float, look: Look) -> list[str]:
        """Everything about it, in a block a place."""
        context = replace(look.context(now), complete=True)  # here even a terminal gets all of it
        lines: list[str] = []
        for profile, jobs in answers(outcomes):
            for job in jobs:
                lines += [*([""] if lines else []), *_block(profile, job, context, look)]
        return lines

    def exit_code(self, values: Sequence[list[JobRecord]], failure: int) -> int:
        """1 when it is nowhere, if all could be asked."""
        if failure or any(values):
            return failure
        diagnostics.warn(f"there is no job {self._jid}", "it is done, was deleted, or is on another server")
        return NOT_FOUND


def _block(profile: Profile, job: JobRecord, context: Context, look: Look) -> Iterator[str]:
    name: Cell = class_cell(job.display_class, context)
    if job.malformed:
        name = (Span(f"{context.glyphs.bad} undecodable", "bad"),)
    yield render.line((*name, Span("  "), Span(context.safe(job.jid or units.UNKNOWN), "muted")), look)
    yield from render.facts(_facts(profile, job, context), look, whole=True)
    if job.malformed:
        yield from _section("Raw", raw_lines(job.raw), look)
        return
    yield from _section("Arguments", pretty_lines(job.display_args), look)
    if job.error_backtrace:
        yield from _section("Backtrace", [context.safe(line) for line in job.error_backtrace], look)


def _section(heading: str, lines: Sequence[str], look: Look) -> Iterator[str]:
    yield render.line((Span(f" {heading}", "muted"),), look)
    for line in lines:
        yield f"   {line}"


def _facts(profile: Profile, job: JobRecord, context: Context) -> Iterator[tuple[str, Cell]]:
    yield "server", _text(context.safe(profile.name))
    yield "place", _text(PLACES[job.place.kind])
    yield "queue", _text(units.UNKNOWN if job.queue is None else context.safe(job.queue))
    if job.score is not None:
        yield _SCORES[job.place.kind], _text(_moment(job.score, context, upcoming=job.place.kind != "dead"))
    if job.retry_count is not None:
        limit = "" if job.retry_limit is None else f" of {units.count(job.retry_limit)}"
        yield "tries", _text(f"{units.count(job.retry_count + 1)}{limit}")
    for word, moment in (
        ("created", job.created_at),
        ("enqueued", job.enqueued_at),
        ("failed", job.failed_at),
        ("retried", job.retried_at),
    ):
        if moment is not None:
            yield word, _text(_moment(moment, context))
    if job.tags:
        yield "tags", _text(" ".join(context.safe(tag) for tag in job.tags))
    if job.bid is not None:
        yield "batch", _text(context.safe(job.bid))
    if job.error_class is not None or job.error_message is not None:
        yield "error", error_cell(job.error_class, job.error_message, context)


def _moment(moment: float, context: Context, *, upcoming: bool = False) -> str:
    at = units.time_at(moment, context.now, context.time_mode, upcoming=upcoming)
    return f"{at}  {units.clock(moment, context.now)}" if context.time_mode == "relative" else at


def _text(text: str) -> Cell:
    return (Span(text),)
