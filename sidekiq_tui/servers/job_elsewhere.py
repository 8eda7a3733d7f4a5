"""A job that left its server: a short look whether it came to another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sidekiq_tui.servers.fleet import Fleet
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.sidekiq.job_follow import Spot


async def find_elsewhere(
    fleet: Fleet, left: str, job: JobRecord, identities: Mapping[str, Sequence[str]]
) -> dict[str, Spot]:
    """Where it is on the servers but the one that it `left`, as `Server.find_again` finds it; one trip each, or two.

    `identities`: of processes by server, whose work is looked at. Who does not answer is not in it.
    """
    others = fleet.only([name for name in fleet.names if name != left])
    answers = await others.ask(lambda server: server.find_again(job, identities.get(server.name, ())))
    return {name: spot for name, spot in answers.values.items() if spot is not None and spot.sure}
