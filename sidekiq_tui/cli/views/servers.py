"""The board of servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sidekiq_tui.cli import render
from sidekiq_tui.cli.view import Outcome, View
from sidekiq_tui.cli.views.dashboard import feel, reasons
from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.presentation import records
from sidekiq_tui.presentation.columns import SERVERS, SERVERS_ONCE, ServersTotal, servers_total
from sidekiq_tui.servers.health import TIMEOUTS_UNTIL_OFFLINE, Health, Reason, assess_loss
from sidekiq_tui.servers.series import RateMeter, Series
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.overview import Overview

if TYPE_CHECKING:
    from sidekiq_tui.cli.render import Look
    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.server import Server


class ServersView(View[Overview]):
    """One row a server. `live`: printed again and again, so there are rates and trends to show."""

    word = "servers"
    tells_trouble = True

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._meters: dict[str, RateMeter] = {}
        self._series: dict[str, Series] = {}

    async def read(self, server: Server) -> Overview:
        """One poll."""
        return await server.overview()

    def element(self, profile: Profile, value: Overview, now: float) -> records.Record:
        """The dashboard's fields, and how the server feels."""
        return records.servers_record(value, feel(value, profile, now), profile.label)

    def element_without(self, profile: Profile, error: Exception) -> records.Record:
        """Nothing but how the server feels."""
        return records.servers_record(None, _loss(profile, error), profile.label)

    def table(self, outcomes: Sequence[Outcome[Overview]], now: float, look: Look) -> list[str]:
        """The board; on a terminal also the total, and why servers are not well."""
        snapshots = [self._snapshot(outcome, now) for outcome in outcomes]
        context = look.context(now)
        columns = SERVERS if self._live else SERVERS_ONCE
        if not look.tty:
            return render.table(columns, snapshots, context, look)
        total = [servers_total(snapshots)] if len(snapshots) > 1 else []
        rows: list[ServerSnapshot | ServersTotal] = [*snapshots, *total]
        lines = render.table(columns, rows, context, look)
        for snapshot in snapshots:
            if snapshot.health.reasons:
                pairs = reasons(snapshot.health, context)
                why = [("", cell) for _, cell in pairs]
                lines += ["", render.server_title(snapshot.profile, look), *render.facts(why, look)]
        return lines

    def _snapshot(self, outcome: Outcome[Overview], now: float) -> ServerSnapshot:
        profile, overview = outcome.profile, outcome.value
        meter = self._meters.setdefault(profile.name, RateMeter())
        series = self._series.setdefault(profile.name, Series())
        if overview is None:
            meter.clear()
            health = _loss(profile, outcome.error)
        else:
            meter.add(overview.read_at, overview.processed, overview.failed)
            health = feel(overview, profile, now)
        rates = meter.rates()
        series.add(now, "processed", rates.processed if rates else None)
        return ServerSnapshot(
            server=profile.name,
            profile=profile,
            health=health,
            state_since=now,
            series=series.view,
            taken_at=None if overview is None else overview.read_at,
            overview=overview,
            rates=rates,
            error=outcome.error if isinstance(outcome.error, SqtuiError) else None,
        )


def _loss(profile: Profile, error: Exception | None) -> Health:
    """A server that gave nothing: there is no second try, so a slow one counts as gone."""
    if isinstance(error, SqtuiError):
        return assess_loss(error, TIMEOUTS_UNTIL_OFFLINE, profile.endpoint)
    return Health("bad", (Reason("bad", "sqtui", f"unexpected {type(error).__name__}"),))
