"""Runs a view: asks all servers at once, prints once or again and again, and says how it went."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from sidekiq_tui.cli import diagnostics, output
from sidekiq_tui.cli.passwords import password_source
from sidekiq_tui.cli.render import Look
from sidekiq_tui.cli.scope import Scope, scope_of
from sidekiq_tui.cli.view import Outcome, View, answers
from sidekiq_tui.presentation import records
from sidekiq_tui.presentation.text import clip
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import ServerUnreachable

if TYPE_CHECKING:
    import argparse

_UNREACHABLE: Final = ServerUnreachable.exit_code
_NOT_CONFIGURED: Final = "No server is configured, so this is Redis's own address: give --url, or sqtui profile add"


def run_view(view: View[Any], args: argparse.Namespace, *, every_server: bool = False) -> int:
    """Print a view as asked and return the exit code. `every_server`: without `--server` it is about all of them."""
    scope = scope_of(args, every_server=every_server)
    try:
        return asyncio.run(_Run(view, args, scope).go())
    except KeyboardInterrupt:
        if getattr(args, "watch", None) is None:
            raise
        return 0  # this is how one ends a watch


class _Run:
    """One run of one view. Each server answers for itself: none delays another, none hides another."""

    def __init__(self, view: View[Any], args: argparse.Namespace, scope: Scope) -> None:
        source = password_source(no_input=args.no_input)
        self._view = view
        self._format: str = args.output
        self._watch: float | None = getattr(args, "watch", None)
        self._args = args
        self._total = scope.total
        wanted = [profile for profile in scope.profiles if view.wants(profile)]
        self._servers = [Server(profile, password_source=source, timeout=args.timeout) for profile in wanted]
        self._troubles: dict[str, str] = {}
        self._frame = output.Frame()
        self._header_printed = False

    async def go(self) -> int:
        """Once, or until interrupted."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                began = loop.time()
                code = await self._once()
                if self._watch is None:
                    return code
                await asyncio.sleep(max(0.0, began + self._watch - loop.time()))
        finally:
            await asyncio.gather(*(server.close() for server in self._servers), return_exceptions=True)

    async def _once(self) -> int:
        outcomes = await self._view.ask(self._servers)
        diagnostics.PROGRESS.clear()
        now = time.time()
        if self._format == "table":
            self._print_table(outcomes, now)
        else:
            self._print_records([self._element(outcome, now) for outcome in outcomes], now)
            self._complain(outcomes)
        codes = [outcome.exit_code for outcome in outcomes if outcome.error is not None]
        failure = _UNREACHABLE if _UNREACHABLE in codes else next(iter(codes), 0)
        return self._view.exit_code([value for _, value in answers(outcomes)], failure)

    def _print_table(self, outcomes: Sequence[Outcome[Any]], now: float) -> None:
        look = Look.of(self._args)  # anew each time: the terminal may have another size
        lines = self._view.table(outcomes, now, look)
        if self._watch is None or not look.tty:
            output.write_lines(lines)
            self._complain(outcomes)
            return
        troubles = [] if self._view.tells_trouble else [outcome for outcome in outcomes if outcome.error]
        named = [f"{diagnostics.safe(outcome.name)}: {_words(outcome)}" for outcome in troubles]
        self._frame.show([*lines, *(clip(words, look.width - 1) for words in named)])

    def _print_records(self, elements: list[records.Record], now: float) -> None:
        if self._format == "json":
            total = self._view.total(elements) if self._total else None
            document = records.document(self._view.word, now, elements, total)
            pretty = Look.of(self._args).tty and self._watch is None
            output.write_lines([json.dumps(document, indent=2 if pretty else None, allow_nan=False)])
        elif self._format == "ndjson":
            output.write_lines(json.dumps(one, allow_nan=False) for one in self._view.lines(elements))
        else:
            header = [] if self._header_printed else [self._view.csv_header()]
            self._header_printed = True
            output.write_lines([*header, *(self._view.csv_row(one) for one in self._view.lines(elements))])

    def _element(self, outcome: Outcome[Any], now: float) -> records.Record:
        if outcome.error is None:
            return records.server_element(outcome.name, self._view.element(outcome.profile, outcome.value, now))
        if outcome.value is not None:
            fields = self._view.element(outcome.profile, outcome.value, now)
        else:
            fields = self._view.element_without(outcome.profile, outcome.error)
        return records.server_element(outcome.name, fields, _words(outcome))

    def _complain(self, outcomes: Sequence[Outcome[Any]]) -> None:
        """Each trouble once, also in a watch: until it is gone, or is another."""
        for outcome in outcomes:
            if outcome.error is None:
                self._troubles.pop(outcome.name, None)
            elif self._troubles.get(outcome.name) != (words := _words(outcome)):
                self._troubles[outcome.name] = words
                assert outcome.error is not None
                diagnostics.complain_of(outcome.name, words, outcome.error if self._args.debug else None)


def _words(outcome: Outcome[Any]) -> str:
    """Why a server gave nothing, as the JSON contract says it."""
    assert outcome.error is not None
    words = diagnostics.sentence(outcome.error, outcome.profile.endpoint)
    return f"{words} {_NOT_CONFIGURED}" if outcome.profile.origin == "default" else words
