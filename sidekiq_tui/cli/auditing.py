"""Prints the audit of this machine, and forgets its journal."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli import diagnostics, output, render
from sidekiq_tui.cli.operators import operations_of
from sidekiq_tui.cli.passwords import password_source
from sidekiq_tui.cli.render import Look
from sidekiq_tui.cli.scope import known_profiles
from sidekiq_tui.errors import UsageError
from sidekiq_tui.presentation import flat, history_records, records
from sidekiq_tui.presentation.columns.audit import AUDIT
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.errors import SidekiqError

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.operations.audit_line import AuditedOperation
    from sidekiq_tui.operations.operator import Operations

BROKEN: Final = 1


def show(args: argparse.Namespace) -> int:
    """The last operations, the newest first."""
    found = asyncio.run(_last(args))
    now = time.time()
    if args.output == "table":
        look = Look.of(args)
        if not found and look.tty:
            diagnostics.note("nothing was done from this machine yet")
            return 0
        output.write_lines(render.table(AUDIT, found, look.context(now), look))
        return 0
    lines = [history_records.audited_record(one) for one in found]
    if args.output == "json":
        _write_json({"schema": records.SCHEMA, "view": "audit", "time": now, "operations": lines}, args)
    elif args.output == "ndjson":
        output.write_lines(json.dumps(one, allow_nan=False) for one in lines)
    else:
        fields = history_records.AUDIT_FIELDS
        output.write_lines([flat.csv_line(fields), *(flat.csv_line([one[name] for name in fields]) for one in lines)])
    return 0


async def _last(args: argparse.Namespace) -> list[AuditedOperation]:
    operations = await _operations(args)
    limit = sys.maxsize if args.limit is None else args.limit
    servers: Iterable[str | None] = dict.fromkeys(args.server or ()) or (None,)
    found = [one for server in servers for one in operations.audited(server, limit)]
    return sorted(found, key=lambda one: one.intent.n, reverse=True)[:limit]


def verify(args: argparse.Namespace) -> int:
    """Check the chain; 1 when it is broken."""

    verdict = asyncio.run(_verdict(args))
    if args.output == "table":
        output.write_lines(_verdict_lines(verdict))
    else:
        _only(args, "json", "ndjson")
        document = {"schema": records.SCHEMA, "view": "audit", "time": time.time(), **verdict}
        _write_json(document, args)
    return 0 if verdict["whole"] else BROKEN


async def _verdict(args: argparse.Namespace) -> records.Record:
    """Of the servers that were named, else of all that this machine has changed; those ask for no password."""
    source = password_source(no_input=args.no_input or not args.server)
    profiles = known_profiles(args)
    servers: dict[str, Server] = {}

    def server(name: str) -> Server:
        if name not in profiles:
            raise SidekiqError("it is no longer in the settings")
        if name not in servers:
            servers[name] = Server(profiles[name], password_source=source, timeout=args.timeout)
        return servers[name]

    operations = await operations_of(args, server)
    try:
        names = dict.fromkeys(args.server or await operations.servers_acted_on())
        return history_records.verdict_record(await operations.verify_audit(tuple(names)))
    finally:
        await operations.close()
        await asyncio.gather(*(one.close() for one in servers.values()))


def _verdict_lines(verdict: records.Record) -> list[str]:
    state = "whole" if verdict["whole"] else "broken"
    lines = [f"{state}: {verdict['lines']:,} lines in {verdict['files']:,} file{'' if verdict['files'] == 1 else 's'}"]
    for key, word in (("broken", "broken"), ("notes", "note"), ("open", "without an outcome")):
        texts = verdict[key]
        assert isinstance(texts, list)
        lines += [f"{word}: {display_text(text)}" for text in texts]
    servers = verdict["servers"]
    assert isinstance(servers, list)
    for one in servers:
        said = "its records were compared" if one["compared"] else f"its records were not compared: {one['error']}"
        lines.append(f"{display_text(one['name'])}: {display_text(said)}")
    return lines


def export(args: argparse.Namespace) -> int:
    """Every line as it was written, the oldest first."""
    _only(args, "table", "json", "ndjson")
    wanted = set(args.server or ())
    for line in asyncio.run(_operations(args)).audit_lines():
        if not wanted or line.server in wanted:
            output.write_lines([json.dumps(history_records.line_record(line.fields), allow_nan=False)])
    return 0


def purge(args: argparse.Namespace) -> int:
    """Forget the copies that the journal keeps."""
    count = asyncio.run(_purged(args))
    diagnostics.note(f"forgot {count:,} {'operation' if count == 1 else 'operations'}; the audit keeps its lines")
    return 0


async def _purged(args: argparse.Namespace) -> int:
    operations = await _operations(args)
    try:
        return await operations.purge_journal()
    finally:
        await operations.close()


def _only(args: argparse.Namespace, *formats: str) -> None:
    if args.output not in formats:
        raise UsageError(f"audit {args.action} does not print {args.output}")


async def _operations(args: argparse.Namespace) -> Operations:
    return await operations_of(args, _no_server)


def _no_server(name: str) -> Server:
    raise SidekiqError(f"the audit asks no server: {name}")


def _write_json(document: records.Record, args: argparse.Namespace) -> None:
    pretty = args.output == "json" and Look.of(args).tty
    output.write_lines([json.dumps(document, indent=2 if pretty else None, allow_nan=False)])
