"""Which servers a command line is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sidekiq_tui.cli import diagnostics
from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.servers.profile_store import Selection, select_servers

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.servers.profile import Profile


class NotHere(SqtuiError):
    """What was named is not on this server. Where it is on another one of those that were named, that is no error."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The servers of a one-shot view, in order, and whether their total is wanted."""

    profiles: tuple[Profile, ...]
    total: bool


def scope_of(args: argparse.Namespace, *, every_server: bool = False) -> Scope:
    """The servers that were named; `every_server`: all there are when none was.

    Raises `UsageError` when it is not clear which, `ConfigError` for what stands wrong in the file.
    """
    every = args.all or (every_server and not args.server and not args.url and not args.group)
    selection = _select(args, every=every)
    profiles = _as_held(selection.require(), args)
    return Scope(profiles, total=args.all or len(profiles) > 1)


def ui_scope(args: argparse.Namespace) -> tuple[Selection, str | None]:
    """Servers and settings for the terminal UI, and the server it starts on (None: all, or the only one).

    With groups it is about their servers alone.
    """
    selection = _select(args, every=args.all)
    if args.group:
        selection = replace(selection, profiles=selection.chosen)
    start = selection.chosen[0].name if len(selection.chosen) == 1 else None
    return replace(selection, profiles=_as_held(selection.profiles, args)), start


def known_profiles(args: argparse.Namespace) -> dict[str, Profile]:
    """Every server that this command line may name, by its name."""
    selection = select_servers(config=args.config, urls=args.url or (), servers=args.server or ())
    return {profile.name: profile for profile in _as_held(selection.profiles, args)}


def _as_held(profiles: Sequence[Profile], args: argparse.Namespace) -> tuple[Profile, ...]:
    """The servers with the access that this run has to them."""
    return tuple(replace(profile, access="read-only") if args.read_only else profile for profile in profiles)


def _select(args: argparse.Namespace, *, every: bool) -> Selection:
    selection = select_servers(
        config=args.config,
        urls=args.url or (),
        servers=args.server or (),
        all_servers=every,
        groups=args.group or (),
    )
    for problem in selection.problems:
        diagnostics.warn(str(problem), problem.suggestion)
    for notice in selection.notices:
        diagnostics.warn(notice)
    return selection
