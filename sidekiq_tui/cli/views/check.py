"""Compares servers with limits, for monitoring."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli import render
from sidekiq_tui.cli.limits import Finding, Limit, judge
from sidekiq_tui.cli.view import Outcome, View, answers
from sidekiq_tui.presentation import flat, records
from sidekiq_tui.presentation.columns import Span
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.presentation.units import count, duration

if TYPE_CHECKING:
    from sidekiq_tui.cli.render import Look
    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.server import Server

PASSED: Final = 6
_FIELDS: Final = ("server", "subject", "queue", "limit", "value", "passed", "reason")


class CheckView(View[list[Finding]]):
    """One line a server: OK, or CRITICAL and why."""

    word = "check"

    def __init__(self, limits: Sequence[Limit]) -> None:
        self._limits = limits

    async def read(self, server: Server) -> list[Finding]:
        """One poll, compared with the limits."""
        return judge(self._limits, await server.overview())

    def element(self, profile: Profile, value: list[Finding], now: float) -> records.Record:
        """Whether a limit is passed, and what was seen for each."""
        return {"passed": any(finding.passed for finding in value), "checks": [_record(one) for one in value]}

    def table(self, outcomes: Sequence[Outcome[list[Finding]]], now: float, look: Look) -> list[str]:
        """One line a server."""
        return [_line(profile, findings, look) for profile, findings in answers(outcomes)]

    def total(self, elements: Sequence[records.Record]) -> records.Record:
        """Whether any server is past a limit."""
        return {"passed": any(element["passed"] for element in elements if element["ok"])}

    def lines(self, elements: Sequence[records.Record]) -> Iterable[records.Record]:
        """One record a limit and server."""
        for element in elements:
            checks = element.get("checks")
            for one in checks if isinstance(checks, list) else ():
                yield {"server": element["name"], **one}

    def csv_header(self) -> str:
        """The names of a check's fields."""
        return flat.csv_line(_FIELDS)

    def csv_row(self, record: records.Record) -> str:
        """One check."""
        return flat.csv_line([record[field] for field in _FIELDS])

    def exit_code(self, values: Sequence[list[Finding]], failure: int) -> int:
        """6 when any limit is passed on any server, whatever the others did."""
        return PASSED if any(finding.passed for findings in values for finding in findings) else failure


def _record(finding: Finding) -> records.Record:
    limit = finding.limit
    return {
        "subject": ("min_" if limit.least else "max_") + limit.subject,
        "queue": finding.queue,
        "limit": limit.bound,
        "value": finding.value,
        "passed": finding.passed,
        "reason": finding.reason or None,
    }


def _line(profile: Profile, findings: Sequence[Finding], look: Look) -> str:
    passed = [finding for finding in findings if finding.passed]
    word, role = ("CRITICAL", "bad strong") if passed else ("OK", "ok")
    text = "; ".join(_words(finding) for finding in passed or findings)
    return render.line((Span(word, role), Span(f" {display_text(profile.name)}: {text}")), look)


def _words(finding: Finding) -> str:
    limit = finding.limit
    show = duration if limit.subject == "latency" else count
    of = f" of {display_text(finding.queue)}" if finding.queue is not None else ""
    if finding.value is None:
        reason = f": {display_text(finding.reason)}" if finding.reason else ""
        return f"{limit.subject}{of} cannot be known{reason}"
    sign = ("<" if limit.least else ">") if finding.passed else (">=" if limit.least else "<=")
    return f"{limit.subject}{of} {show(finding.value)} {sign} {show(limit.bound)}"
