"""Prints what differs between two servers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli import diagnostics, output, render
from sidekiq_tui.cli.passwords import password_source
from sidekiq_tui.cli.render import Look
from sidekiq_tui.cli.scope import scope_of
from sidekiq_tui.errors import UsageError
from sidekiq_tui.presentation import compare_records, flat, records
from sidekiq_tui.presentation.columns import Span
from sidekiq_tui.presentation.columns.compare import compare_columns
from sidekiq_tui.servers.compare import Comparison, Side, compare, read_side
from sidekiq_tui.servers.fleet import Answers, Fleet
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import ServerUnreachable

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.servers.profile import Profile

_LONGEST: Final = 300.0
"""Seconds for both servers together; each answer has its own limit, --timeout."""


def compare_two(args: argparse.Namespace) -> int:
    """Compare the two servers that were named. Raises `UsageError` unless they are two."""
    args.server = [*args.names, *(args.server or ())] or None
    profiles = scope_of(args, every_server=True).profiles
    if len(profiles) != 2:
        named = ", ".join(profile.name for profile in profiles)
        raise UsageError(f"compare needs two servers, not {len(profiles)}: {named}", hint="sqtui compare prod staging")
    answers = asyncio.run(_read(args, profiles))
    names = [profile.name for profile in profiles]
    sides = [answers.values[name] for name in names if name in answers.values]
    comparison = compare(*sides) if len(sides) == 2 else None
    _print(args, profiles, answers, comparison)
    for profile in profiles:
        error = answers.missing.get(profile.name)
        if error is not None:
            diagnostics.complain_of(profile.name, diagnostics.sentence(error, profile.endpoint))
    codes = [error.exit_code for error in answers.missing.values()]
    return ServerUnreachable.exit_code if ServerUnreachable.exit_code in codes else next(iter(codes), 0)


async def _read(args: argparse.Namespace, profiles: Sequence[Profile]) -> Answers[Side]:
    source = password_source(no_input=args.no_input)
    servers = [Server(profile, password_source=source, timeout=args.timeout) for profile in profiles]
    try:
        return await Fleet(servers).ask(read_side, patience=_LONGEST)
    finally:
        await asyncio.gather(*(server.close() for server in servers))


def _print(
    args: argparse.Namespace, profiles: Sequence[Profile], answers: Answers[Side], comparison: Comparison | None
) -> None:
    now = time.time()
    if args.output == "json":
        output.write_lines([json.dumps(_document(profiles, answers, comparison, now), allow_nan=False)])
    elif comparison is None:
        return
    elif args.output == "table":
        output.write_lines(_table(comparison, now, Look.of(args)))
    else:
        lines = [compare_records.difference_record(one) for one in comparison.differences]
        if args.output == "ndjson":
            output.write_lines(json.dumps(one, allow_nan=False) for one in lines)
        else:
            fields = compare_records.FIELDS
            body = (flat.csv_line([one[name] for name in fields]) for one in lines)
            output.write_lines([flat.csv_line(fields), *body])


def _document(
    profiles: Sequence[Profile], answers: Answers[Side], comparison: Comparison | None, now: float
) -> records.Record:
    servers = []
    for profile in profiles:
        error = answers.missing.get(profile.name)
        words = None if error is None else diagnostics.sentence(error, profile.endpoint)
        servers.append(records.server_element(profile.name, {}, words))
    found = (
        compare_records.no_comparison_record(*(profile.name for profile in profiles))
        if comparison is None
        else compare_records.comparison_record(comparison)
    )
    return {**records.document("compare", now, servers), **found}


def _table(comparison: Comparison, now: float, look: Look) -> list[str]:
    context = look.context(now)
    lines = render.table(
        compare_columns(comparison.left, comparison.right, context), comparison.differences, context, look
    )
    if look.tty:
        same = sum(comparison.same.values())
        words = [
            f"{len(comparison.differences):,} differ, {same:,} are the same",
            *map(context.safe, comparison.unknown),
        ]
        lines += [render.line((Span(one, "muted"),), look) for one in words]
    return lines
