"""The numbers of a server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sidekiq_tui.cli import render
from sidekiq_tui.cli.view import Outcome, View, answers
from sidekiq_tui.presentation import records, units
from sidekiq_tui.presentation.columns import Cell, Context, Span
from sidekiq_tui.servers.health import Health, Reason, assess
from sidekiq_tui.sidekiq.overview import Overview

if TYPE_CHECKING:
    from sidekiq_tui.cli.render import Look
    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.server import Server


class DashboardView(View[Overview]):
    """The numbers of a server, in a block of facts."""

    word = "dashboard"

    async def read(self, server: Server) -> Overview:
        """One poll."""
        return await server.overview()

    def element(self, profile: Profile, value: Overview, now: float) -> records.Record:
        """The dashboard's fields."""
        return records.dashboard_record(value, feel(value, profile, now))

    def element_without(self, profile: Profile, error: Exception) -> records.Record:
        """The same fields, of which none is known."""
        return records.dashboard_record(None)

    def table(self, outcomes: Sequence[Outcome[Overview]], now: float, look: Look) -> list[str]:
        """A block a server; in a pipe one fact a line, with the server first where there are several."""
        context = look.context(now)
        several = len(outcomes) > 1
        lines: list[str] = []
        for profile, overview in answers(outcomes):
            pairs = list(_facts(overview, feel(overview, profile, now), context))
            if look.tty:
                lines += [*([""] if lines else []), render.server_title(profile, look), *render.facts(pairs, look)]
            else:
                lines += render.facts(pairs, look, before=context.safe(profile.name) if several else None)
        return lines


def feel(overview: Overview, profile: Profile, now: float) -> Health:
    """How the server feels, with what may not be read among the reasons."""
    health = assess(overview, profile, now)
    denied = tuple(Reason("warn", name, f"cannot be read: {why}") for name, why in overview.denied.items())
    return Health(health.state, (*health.reasons, *denied))


def _facts(overview: Overview, health: Health, context: Context) -> Iterator[tuple[str, Cell]]:
    worst = overview.worst_queue
    redis = overview.redis
    yield "processed", _text(units.count(overview.processed))
    yield "failed", _text(units.count(overview.failed))
    threads = f"{units.count(overview.busy)} of {units.count(overview.concurrency)} threads"
    yield "busy", _text(f"{threads}, {units.share(overview.utilization)}")
    yield "enqueued", _text(f"{units.count(overview.enqueued)} in {units.count(len(overview.queues))} queues")
    named = f", worst {context.safe(worst.name)} {units.duration(worst.latency)}" if worst else ""
    yield "latency", _text(f"default {units.duration(overview.latency)}{named}")
    yield "retries", _text(units.count(overview.retries))
    yield "scheduled", _text(units.count(overview.scheduled))
    yield "dead", _text(units.count(overview.dead))
    versions = ", ".join(context.safe(version) for version in overview.sidekiq_versions) or units.UNKNOWN
    processes = units.count(overview.live_processes)
    yield "processes", _text(f"{processes}, memory {units.size(overview.rss)}, Sidekiq {versions}")
    most = f" of {units.size(redis.maxmemory)}" if redis.maxmemory else ""
    clients = f"{units.count(redis.clients)} {'client' if redis.clients == 1 else 'clients'}"
    policy = context.safe(redis.maxmemory_policy or units.UNKNOWN)
    memory = f"memory {units.size(redis.used_memory)}{most}, {policy}"
    version = context.safe(redis.version or units.UNKNOWN)
    yield "redis", _text(f"{version}, {memory}, {clients}, round trip {units.duration(overview.rtt)}")
    yield from reasons(health, context)


def reasons(health: Health, context: Context) -> Iterator[tuple[str, Cell]]:
    """Why a server is not well, one fact a reason."""
    for reason in health.reasons:
        sign = context.glyphs.bad if reason.severity == "bad" else context.glyphs.warn
        text = context.safe(f"{reason.subject}: {reason.text}")
        yield reason.severity, (Span(f"{sign} ", reason.severity), Span(text, f"{reason.severity} strong"))


def _text(text: str) -> Cell:
    return (Span(text),)
