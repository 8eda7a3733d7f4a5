"""``sqtui job JID --follow``: a line each time that the job is somewhere else, by a short look every two seconds."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli import diagnostics, output
from sidekiq_tui.cli.passwords import password_source
from sidekiq_tui.cli.scope import scope_of
from sidekiq_tui.cli.searching import look_everywhere
from sidekiq_tui.errors import UsageError
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.job_trail import liveliest, moved_words, spot_words
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.fleet_search import FleetSearch
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.sidekiq.job_follow import Spot

if TYPE_CHECKING:
    import argparse

EVERY: Final = 2.0
"""Seconds between two looks."""
PROCESSES_EVERY: Final = 5
"""Looks after which the processes are asked for anew."""
GONE_LOOKS: Final = 3
"""So many looks in a row find nothing: it is over."""
NOT_FOUND: Final = 1


def follow_job(jid: str, args: argparse.Namespace) -> int:
    """Prints where the job is and goes until it is gone, or interrupted. 1: it was nowhere from the start."""
    if args.output != "table":
        raise UsageError("--follow prints lines as they come", hint="leave out -o")
    source = password_source(no_input=args.no_input)
    scope = scope_of(args, every_server=True)
    servers = [Server(profile, password_source=source, timeout=args.timeout) for profile in scope.profiles]
    with contextlib.suppress(KeyboardInterrupt):  # this is how one ends it
        return asyncio.run(_search_and_follow(jid, servers, args.deadline))
    return 0


async def _search_and_follow(jid: str, servers: Sequence[Server], deadline: float | None) -> int:
    try:
        outcomes = await look_everywhere(
            servers,
            lambda fleet: FleetSearch.for_jid(fleet, jid, deadline=deadline),
            lambda jobs, progress: list(jobs),
            more="the job may be there",
        )
        for outcome in outcomes:
            if outcome.error is not None:
                diagnostics.warn(f"{outcome.name}: {outcome.error}", "the job may be there")
        found = liveliest([(outcome.name, job) for outcome in outcomes for job in outcome.value or ()])
        if found is None:
            diagnostics.warn(f"there is no job {jid}", "it is done, was deleted, or is on another server")
            return NOT_FOUND
        name, job = found
        await _follow(next(server for server in servers if server.name == name), job)
        return 0
    finally:
        await asyncio.gather(*(server.close() for server in servers), return_exceptions=True)


async def _follow(server: Server, job: JobRecord) -> None:
    spot, gone, looks, said = Spot(job), 0, 0, ""
    identities: list[str] = []
    _tell(server.name, spot_words(spot))
    while gone < GONE_LOOKS:
        try:
            if looks % PROCESSES_EVERY == 0:
                identities = [process.identity for process in (await server.workers())[0]]
            after = await server.find_again(spot.job, identities)
        except SidekiqError as error:
            if error.message != said:
                diagnostics.warn(f"{server.name}: {error.message}")
            said = error.message
        else:
            said, looks = "", looks + 1
            words = "" if after is None and gone else moved_words(spot, after)
            if words:
                _tell(server.name, words)
            gone = gone + 1 if after is None else 0
            spot = after or spot
        if gone < GONE_LOOKS:
            await asyncio.sleep(EVERY)


def _tell(server: str, words: str) -> None:
    now = time.time()
    output.write_lines([f"{units.clock(now, now)}  {display_text(server)}  {words}"])
