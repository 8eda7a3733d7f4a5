"""Runs one command line from its words to its exit code. Imports nothing heavy: each command does, in `run`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli import diagnostics
from sidekiq_tui.cli.parser import build_parser, parse
from sidekiq_tui.errors import SqtuiError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from types import ModuleType

    Door = Callable[[argparse.Namespace], int]

INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141  # what a shell shows for a process that died of SIGPIPE
UNEXPECTED: Final = 1


def commands() -> tuple[ModuleType, ...]:
    """Every command, in the order of --help."""
    from sidekiq_tui.cli.commands import (
        across,
        audit,
        change,
        check,
        compare,
        completion,
        dashboard,
        demo,
        errors,
        job,
        jobs,
        journal,
        metrics,
        process_actions,
        profile,
        push,
        queue_actions,
        queues,
        search,
        servers,
        timeline,
        undo,
        upkeep,
        workers,
    )

    views = (servers, dashboard, queues, jobs, job, search, workers, errors, metrics, check, compare, timeline)
    acts = (change, across, queue_actions, process_actions, upkeep, push, undo, audit, journal)
    return (*views, *acts, profile, demo, completion)


def run(argv: Sequence[str], *, ui: Door, demo: Door) -> int:
    """Run sqtui; `ui` and `demo` are the doors to the terminal UI and the demo, which this layer may not know."""
    debug = "--debug" in argv
    try:
        code = _run(argv, ui=ui, demo=demo)
        sys.stdout.flush()
        return code
    except SystemExit as end:  # argparse after --help and --version
        return _flushed(int(end.code or 0))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_left()
    except SqtuiError as error:
        diagnostics.complain(error, debug=debug)
        return error.exit_code
    except Exception as error:
        diagnostics.complain(error, debug=debug)
        return UNEXPECTED


def _run(argv: Sequence[str], *, ui: Door, demo: Door) -> int:
    args = parse(build_parser(commands()), argv)
    if args.view is None:
        return ui(args)
    if args.view == "demo":
        return demo(args)
    command: Door = args.run
    return command(args)


def _flushed(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_left()
    return code


def _reader_left() -> int:
    """`| head` has what it wanted: no message, and nothing for the interpreter to flush when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE
