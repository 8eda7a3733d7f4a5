"""The only door: parses, then hands over to the command line, the terminal UI or the demo."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sidekiq_tui.servers.profile import Profile


def main(argv: Sequence[str] | None = None) -> int:
    """Run sqtui with these arguments (default: the process's own) and return its exit code."""
    _forbid_core_dumps()
    _replace_closed_streams()
    from sidekiq_tui.cli.main import run

    return run(sys.argv[1:] if argv is None else argv, ui=_open_ui, demo=_open_demo)


def _forbid_core_dumps() -> None:
    """A core file would hold passwords and job arguments."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _replace_closed_streams() -> None:
    """Streams that the caller closed (`2>&-`, `<&-`), for which Python has None, become the null device."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _open_ui(args: argparse.Namespace) -> int:
    from sidekiq_tui.cli.scope import ui_scope
    from sidekiq_tui.paths import state_file

    selection, start = ui_scope(args)
    problems = [str(problem) for problem in selection.problems]
    return _show(
        args,
        selection.profiles,
        settings=selection.settings,
        config=selection.path,
        problems=problems,
        start_server=start,
        remembered=state_file(),
    )


def _open_demo(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from sidekiq_tui.cli import diagnostics, output
    from sidekiq_tui.demo.command import run
    from sidekiq_tui.servers.keeping import Keeping
    from sidekiq_tui.servers.profile_store import load_profiles

    stored = load_profiles(args.config)
    return run(
        args,
        # Its servers have names that real ones may have too: nothing of it is remembered.
        open_ui=lambda profiles, folder: _show(
            args, profiles, settings=replace(stored.settings, keeping=Keeping(folder=str(folder))), config=stored.path
        ),
        say=output.write_lines,
        progress=diagnostics.PROGRESS.show,
    )


def _show(args: argparse.Namespace, profiles: Sequence[Profile], **more: Any) -> int:
    from sidekiq_tui.cli import diagnostics
    from sidekiq_tui.tui.run import run

    return run(
        profiles,
        read_only=args.read_only,
        ascii=args.ascii,
        mouse=args.mouse,
        warn=diagnostics.warn,
        **more,
    )


if __name__ == "__main__":
    sys.exit(main())
