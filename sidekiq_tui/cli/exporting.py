"""Writes jobs to a file or to stdout."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli import diagnostics, output
from sidekiq_tui.cli.passwords import password_source
from sidekiq_tui.cli.places import chosen
from sidekiq_tui.cli.scope import scope_of
from sidekiq_tui.errors import UsageError
from sidekiq_tui.operations.export import export, export_to
from sidekiq_tui.presentation import units
from sidekiq_tui.servers.server import Server

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.places import Chosen
    from sidekiq_tui.operations.export import Format

_FORMATS: Final[dict[str, Format]] = {"table": "ndjson", "ndjson": "ndjson", "json": "json", "csv": "csv"}


def export_jobs(args: argparse.Namespace) -> int:
    """Write them. Raises `UsageError` for several servers: a line does not say which one it is from."""
    where = chosen(args)
    profiles = [one for one in scope_of(args).profiles if where.wants(one.name)]
    if len(profiles) != 1:
        raise UsageError("export is from one server", hint="name it with --server")
    server = Server(profiles[0], password_source=password_source(no_input=args.no_input), timeout=args.timeout)
    asyncio.run(_export(args, server, where))
    return 0


async def _export(args: argparse.Namespace, server: Server, where: Chosen) -> None:
    def progress(done: int) -> None:
        diagnostics.PROGRESS.show(f"{server.name}: {units.count(done)} written")

    form = _FORMATS[args.output]
    try:
        selection = await where.selection(server)
        if args.file is None:
            await export(server, selection, output.write, form, progress=progress)
            return
        done = await export_to(server, selection, args.file, form, force=args.force, progress=progress)
    finally:
        diagnostics.PROGRESS.clear()
        await server.close()
    jobs = "1 job" if done.count == 1 else f"{done.count:,} jobs"
    diagnostics.note(diagnostics.safe(f"{jobs}, {units.size(done.size)}, written to {done.path}"))
