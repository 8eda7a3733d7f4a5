"""The only door: parses, then hands over to the command line, the terminal UI or the demo."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run sqtui with these arguments (default: the process's own) and return its exit code."""
    _forbid_core_dumps()
    from sidekiq_tui.cli.main import run

    return run(sys.argv[1:] if argv is None else argv, ui=_open_ui, demo=_open_demo)


def _forbid_core_dumps() -> None:
    """A core file would hold passwords and job arguments."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _open_ui(args: argparse.Namespace) -> int:
    from sidekiq_tui.cli.scope import ui_scope
    from sidekiq_tui.tui.run import run

    scope = ui_scope(args)
    return run(
        scope.profiles,
        config=args.config,
        read_only=args.read_only,
        start_server=scope.start,
        start_view=None,
        ascii=args.ascii,
        mouse=args.mouse,
    )


def _open_demo(args: argparse.Namespace) -> int:
    from sidekiq_tui.demo.command import run

    return run(args)


if __name__ == "__main__":
    sys.exit(main())
