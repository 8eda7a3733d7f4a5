"""``sqtui job JID --follow``: a line each time that the job is somewhere else, by a short look every two seconds."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli import diagnostics, output
from sidekiq_tui.cli.passwords import password_source
from sidekiq_tui.cli.scope import scope_of
from sidekiq_tui.cli.searching import look_everywhere
from sidekiq_tui.errors import UsageError
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.job_trail import between_words, liveliest, liveliest_spot, moved_words, spot_words
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.fleet import Fleet
from sidekiq_tui.servers.fleet_search import FleetSearch
from sidekiq_tui.servers.job_elsewhere import find_elsewhere
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
    async def search() -> tuple[str, JobRecord] | None:
        outcomes = await look_everywhere(
            servers,
            lambda fleet: FleetSearch.for_jid(fleet, jid, deadline=deadline),
            lambda jobs, progress: list(jobs),
            more="the job may be there",
        )
        for outcome in outcomes:
            if outcome.error is not None:
                diagnostics.warn(f"{outcome.name}: {outcome.error}", "the job may be there")
        return liveliest([(outcome.name, job) for outcome in outcomes for job in outcome.value or ()])

    try:
        found = await search()
        if found is None:
            diagnostics.warn(f"there is no job {jid}", "it is done, was deleted, or is on another server")
            return NOT_FOUND
        await _follow(Fleet(servers), *found, search)
        return 0
    finally:
        await asyncio.gather(*(server.close() for server in servers), return_exceptions=True)


async def _follow(
    fleet: Fleet, name: str, job: JobRecord, search: Callable[[], Awaitable[tuple[str, JobRecord] | None]]
) -> None:
    """Until it is gone. Once it has left its server, a short look goes to the others; at last all are searched."""
    spot, gone, looks, said = Spot(job), 0, 0, ""
    identities: list[str] = []
    _tell(name, spot_words(spot))
    while gone < GONE_LOOKS:
        server = fleet.servers[name]
        try:
            if looks % PROCESSES_EVERY == 0:
                identities = [process.identity for process in (await server.workers())[0]]
            after = await server.find_again(spot.job, identities)
        except SidekiqError as error:
            if error.message != said:
                diagnostics.warn(f"{name}: {error.message}")
            said = error.message
            await asyncio.sleep(EVERY)
            continue
        said, looks, where = "", looks + 1, name
        if after is None or (spot.sure and not after.sure):
            where, after = liveliest_spot(await find_elsewhere(fleet, name, spot.job, {})) or (name, after)
        if after is None and gone + 1 == GONE_LOOKS and spot.work is None and len(fleet.servers) > 1:
            found = await search()  # a job that runs is not moved: it has ended
            where, after = (found[0], Spot(found[1])) if found is not None else (name, None)
        if after is not None and where != name:
            _tell(where, between_words(spot, name, after, where))
            name, looks = where, 0
        elif words := "" if after is None and gone else moved_words(spot, after):
            _tell(name, words)
        gone = gone + 1 if after is None else 0
        spot = after or spot
        if gone < GONE_LOOKS:
            await asyncio.sleep(EVERY)


def _tell(server: str, words: str) -> None:
    now = time.time()
    output.write_lines([f"{units.clock(now, now)}  {display_text(server)}  {words}"])
