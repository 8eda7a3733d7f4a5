"""`python -m sidekiq_tui.sidekiq.worker -r my.jobs -c 5 -q critical,3 -q default`"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import sys

from sidekiq_tui.sidekiq.client import Client
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job_class import server_middleware, use_client
from sidekiq_tui.sidekiq.worker.connect import connector
from sidekiq_tui.sidekiq.worker.launcher import Worker
from sidekiq_tui.sidekiq.worker.logs import LOGGER, log_to_stdout
from sidekiq_tui.sidekiq.worker.options import Options, parse_options


async def work(options: Options) -> None:
    """Runs a worker until a signal stops it."""
    connect = connector(options.url)
    client = Client(connect(), time_form=options.config.form)
    use_client(client)
    worker = Worker(options.config, connect, middleware=server_middleware, client=client)
    worker.install_signal_handlers()
    LOGGER.info("%s takes jobs from %s", worker.identity, ", ".join(options.config.capsules[0].names))
    try:
        await worker.run()
    finally:
        await client.db.close()


def main() -> int:
    """The command; its exit code."""
    try:
        options = parse_options(sys.argv[1:])
        log_to_stdout(as_json=options.json_logs)
        for module in options.modules:
            importlib.import_module(module)
        asyncio.run(work(options))
    except SidekiqError as error:
        print(f"sidekiq worker: {error.message}{f' ({error.hint})' if error.hint else ''}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    # A job in a thread cannot be ended, and was given back: waiting for it would keep the process alive.
    os._exit(code)
