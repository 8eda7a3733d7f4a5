"""From the words of ``push`` and ``import`` to the jobs that are pushed."""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from sidekiq_tui.cli.requests import json_value, moment, queue_name, set_fields
from sidekiq_tui.errors import SqtuiError, UsageError
from sidekiq_tui.operations.catalog import Copy, Operation
from sidekiq_tui.operations.new_jobs import MOST, new_jobs, read_import
from sidekiq_tui.operations.selection import Rows
from sidekiq_tui.operations.survey import payload_context

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.servers.server import Server
    from sidekiq_tui.sidekiq.job import JobRecord

Make = Callable[["Server"], Awaitable[Operation]]


def push_operation(args: argparse.Namespace) -> Make:
    """New jobs of a class, or a copy of a job. Raises `UsageError`."""
    now = time.time()
    at, fields = moment(args, now), set_fields(args.set)
    queue = None if args.queue is None else queue_name(args.queue)
    arguments = [_list(text) for text in args.args]
    if (args.klass is None) == (args.template is None):
        raise UsageError("push what?", hint="a CLASS, or --from JID for one that is there")
    if args.klass is not None:
        lists = (arguments or [[]]) * args.count
        if not 0 < len(lists) <= MOST:
            raise UsageError(f"push from 1 to {MOST:,} jobs")

        async def make(server: Server) -> Operation:
            context = await payload_context(server, now)
            form = context.form or context.fallback
            return new_jobs(args.klass, lists, now=now, form=form, queue=queue or "default", at=at, options=fields)

        return make
    if len(arguments) > 1 or args.count != 1:
        raise UsageError("--from makes one job", hint="several: sqtui push CLASS, or sqtui copy WHERE FILTER")
    if arguments:
        fields["args"] = arguments[0]

    async def copy(server: Server) -> Operation:
        return Copy(jobs=Rows((await _find(server, args.template),)), queue=queue, at=at, fields=fields)

    return copy


def _list(text: str) -> list[object]:
    found = json_value(text, "--args")
    if not isinstance(found, list):
        raise UsageError("arguments are a JSON list", hint="""for example: --args '[42, "EUR"]'""")
    return found


async def _find(server: Server, jid: str) -> JobRecord:
    """The job of this JID, wherever it is first found. Raises `SqtuiError` when it is nowhere."""
    async with aclosing(server.find_jid(jid)) as slices:
        async for part in slices:
            for job in part.jobs:
                return job
    raise SqtuiError(f"there is no job {jid}", hint="it is done, was deleted, or is on another server")


def import_operation(args: argparse.Namespace) -> Make:
    """The jobs of a file. Raises `UsageError` when it cannot be read."""
    queue = None if args.queue is None else queue_name(args.queue)
    lines = _lines(args.file)

    async def make(server: Server) -> Operation:
        context = await payload_context(server, time.time())
        return read_import(lines, context=context, queue=queue, new_jids=args.new_jids)

    return make


def _lines(file: str) -> list[bytes]:
    try:
        if file == "-":
            return sys.stdin.buffer.read().split(b"\n")
        return Path(file).expanduser().read_bytes().split(b"\n")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
