"""Metrics of one server, or of all servers of the scope added up."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sidekiq_tui.servers.across import add_histograms, read_histograms, read_top_metrics, total_of
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.histogram import Counts, Form
from sidekiq_tui.sidekiq.metrics import Metrics
from sidekiq_tui.tui.screens.metrics import MetricsScreen
from sidekiq_tui.tui.screens.metrics_periods import Period, keeps_metrics
from sidekiq_tui.tui.state import AppState


class MetricsOfScopeScreen(MetricsScreen):
    """A server that is missing is named; what the others ran is not less for that."""

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._absent: Mapping[str, SidekiqError] = {}

    @property
    def across(self) -> bool:
        """Whether it shows several servers."""
        return self.app_state.scope is None

    @property
    def scope_key(self) -> str:
        """What is shown: a server, or these servers."""
        return "\n".join(self.app_state.names)

    @property
    def server(self) -> str:
        """The server in view; of several one that answers and keeps metrics, by which periods are offered."""
        if self.across:
            for name, one in self.app_state.in_scope.items():
                if one.error is None and one.overview is not None and keeps_metrics(one.overview):
                    return name
        return super().server

    @property
    def away(self) -> bool:
        """Whether nobody answers."""
        if not self.across:
            return super().away
        return all(one.error is not None for one in self.app_state.in_scope.values())

    @property
    def named(self) -> str:
        """How many servers, and who is missing."""
        if not self.across:
            return super().named
        names = self.app_state.names
        away = {name: one.error for name, one in self.app_state.in_scope.items() if one.error is not None}
        absent = {**self._absent, **away}
        if not absent:
            return f"{len(names)} servers:"
        known = f"{len(names) - len(absent)} of {len(names)} servers"
        return f"{known}, without {', '.join(absent)}:" if len(absent) < 3 else f"{known}:"

    async def read(self, period: Period) -> Metrics:
        """All classes of all servers at once."""
        if not self.across:
            return await super().read(period)
        found = await read_top_metrics(self.app_state.fleet, minutes=period.minutes, hours=period.hours)
        self._absent = found.missing
        return total_of(found)

    async def histograms(
        self, wanted: Mapping[str, Collection[float]], forms: Collection[Form]
    ) -> Mapping[str, Mapping[float, Counts]]:
        """Those of all servers added up."""
        if not self.across:
            return await super().histograms(wanted, forms)
        answers = await read_histograms(self.app_state.fleet, wanted, forms)
        return add_histograms(answers.values.values())
