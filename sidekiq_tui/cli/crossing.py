"""From the words of a command line to a plan between two servers: move, copy, evacuate, sync, put back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sidekiq_tui.cli.past import named
from sidekiq_tui.cli.places import chosen
from sidekiq_tui.cli.requests import fields_of, queue_name
from sidekiq_tui.cli.scope import known_profiles
from sidekiq_tui.errors import UsageError
from sidekiq_tui.operations import catalog
from sidekiq_tui.operations.redaction import EMAIL
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.servers.named import server_and_queue

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.operate import MakePlan
    from sidekiq_tui.operations.operator import Operations
    from sidekiq_tui.operations.plan import Plan
    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.server import Server

Reading = Callable[[int, int], None]


def peer_of(args: argparse.Namespace) -> tuple[Profile, str | None] | None:
    """The server, and the queue there, that `--to` names: `staging`, `staging:low`; None when it names a queue."""
    if args.to is None:
        return None
    profiles = known_profiles(args)
    found = server_and_queue(args.to, profiles)
    if found is None:
        return None
    name, queue = found
    return profiles[name], None if queue is None else queue_name(queue)


def server_named(args: argparse.Namespace) -> tuple[Profile, str | None]:
    """The same where it must be a server. Raises `UsageError`."""
    found = peer_of(args)
    if found is None:
        names = ", ".join(known_profiles(args)) or "none"
        raise UsageError(f"--to: no such server: {args.to}", hint=f"known: {names}")
    return found


def across_plan(args: argparse.Namespace, peer: Profile, queue: str | None) -> tuple[MakePlan, Callable[[str], bool]]:
    """How to plan `move` and `copy` to another server, and which servers the filter is for. Raises `UsageError`."""
    where = chosen(args).only("retry", "schedule", "dead", "queue", command=args.view)
    if getattr(args, "front", False) or getattr(args, "at", None) is not None:
        raise UsageError("--front and --at are for the jobs' own server")
    fields, redact = (fields_of(args) if args.view == "copy" else {}), rules(args, peer)

    async def make(operations: Operations, server: Server, progress: Reading) -> Plan:
        jobs = await where.selection(server)
        if args.view == "move":
            moved = catalog.Transfer(jobs=jobs, target=peer.name, queue=queue, redact=redact)
            return await operations.plan(server.name, moved, progress=progress)
        copied = catalog.CopyAcross(
            jobs=jobs, source=server.name, queue=queue, fields=fields, redact=redact, new_jids=args.new_jids
        )
        return await operations.plan(peer.name, copied, progress=progress)

    return make, where.wants


def evacuate_plan(args: argparse.Namespace) -> MakePlan:
    """How to plan that everything goes. Raises `UsageError`."""
    peer, queue = server_named(args)
    if queue is not None:
        raise UsageError("everything goes to where it is here: --to SERVER")
    operation = catalog.Evacuate(target=peer.name, redact=rules(args, peer), drain=args.drain)

    async def make(operations: Operations, server: Server, progress: Reading) -> Plan:
        return await operations.plan(server.name, operation, progress=progress)

    return make


def sync_plan(args: argparse.Namespace) -> MakePlan:
    """How to plan that a place of another server holds what this one's does. Raises `UsageError`."""
    peer, queue = server_named(args)
    place = chosen(args).whole("sync").place

    async def make(operations: Operations, server: Server, progress: Reading) -> Plan:
        operation = catalog.Synchronise(jobs=Whole(place), source=server.name, queue=queue, redact=rules(args, peer))
        return await operations.plan(peer.name, operation, progress=progress)

    return make


def return_plan(args: argparse.Namespace) -> MakePlan:
    """How to put back what an unfinished move has parked."""

    async def make(operations: Operations, server: Server, progress: Reading) -> Plan:
        entry = named(args.id, await operations.unfinished(server.name), "sqtui resume")
        operation = catalog.ReturnStaged(operation=entry.id, force=args.force)
        return await operations.plan(server.name, operation, progress=progress)

    return make


def rules(args: argparse.Namespace, peer: Profile) -> tuple[str, ...]:
    """What is replaced: what the target's profile says, or with `--redact` at least e-mail addresses."""
    return peer.redact or ((EMAIL,) if args.redact else ())
