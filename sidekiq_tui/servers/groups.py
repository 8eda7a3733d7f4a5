"""Groups of servers: those whose profiles name the same project or application."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sidekiq_tui.errors import UsageError
from sidekiq_tui.servers.profile import Profile


def groups_of(profiles: Iterable[Profile]) -> dict[str, tuple[str, ...]]:
    """The names of the servers of each group, groups and servers in the order of the profiles."""
    found: dict[str, list[str]] = {}
    for profile in profiles:
        if profile.group:
            found.setdefault(profile.group, []).append(profile.name)
    return {group: tuple(names) for group, names in found.items()}


def find_group(profiles: Sequence[Profile], name: str) -> str:
    """The group called that, in any case of letters, or the only one that begins so.

    Raises `UsageError`, which says what there is.
    """
    groups = groups_of(profiles)
    folded = name.casefold()
    if name in groups:
        return name
    found = [group for group in groups if group.casefold() == folded]
    found = found or [group for group in groups if folded and group.casefold().startswith(folded)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"group {name} could be {', '.join(found[:-1])} or {found[-1]}")
    hint = f"groups: {', '.join(groups)}" if groups else 'no server has one: group = "…" in its profile'
    raise UsageError(f"there is no group {name}", hint=hint)


def servers_in(profiles: Sequence[Profile], name: str) -> tuple[Profile, ...]:
    """The servers of a group, in order. Raises `UsageError` as `find_group`."""
    group = find_group(profiles, name)
    return tuple(profile for profile in profiles if profile.group == group)
