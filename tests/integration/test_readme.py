"""The README's example of the library runs as it stands."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job_set import JobSet
from sidekiq_tui.sidekiq.stats import read_stats
from tests.conftest import LoadDump

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "redis://localhost:6379/0"


@pytest.mark.parametrize("version", ["6.4.1", "8.1.7"])
async def test_the_example_of_the_library(redis_url: str, db: Database, load_dump: LoadDump, version: str) -> None:
    load_dump(version)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert ADDRESS in code
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-W", "error", "-c", code.replace(ADDRESS, redis_url)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    enqueued, *rest = ran.stdout.splitlines()
    assert enqueued == str((await read_stats(db, 0.0)).enqueued)
    jobs = (await JobSet(db, "retry").page(0, 25)).jobs
    assert rest[: len(jobs)] == [f"{job.jid} {job.display_class} {job.error_class}" for job in jobs]
    size = await JobSet(db, "dead").size()
    assert rest[-1].startswith(f"{size} of {size} read, ")
