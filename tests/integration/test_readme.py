"""The README's examples run as they stand, and its command lines are ones."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.cli.main import commands
from sidekiq_tui.cli.parser import build_parser, parse
from sidekiq_tui.cli.requests import job_operation
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.job_set import JobSet
from sidekiq_tui.sidekiq.stats import read_stats
from tests.conftest import LoadDump

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "redis://localhost:6379/0"


def _examples() -> list[str]:
    found: list[str] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    return found


@pytest.mark.parametrize("version", ["6.4.1", "8.1.7"])
async def test_the_example_of_the_library(redis_url: str, db: Database, load_dump: LoadDump, version: str) -> None:
    load_dump(version)
    code = _examples()[0]
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


async def test_the_example_of_client_and_worker(redis_url: str, raw: Any, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(_examples()[1].replace(ADDRESS, redis_url), encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    pushed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-W", "error", "shop.py"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (pushed.returncode, pushed.stderr) == (0, "")
    assert [await raw.llen(f"queue:{name}") for name in ("critical", "default", "low")] == [1, 3, 0]
    assert await raw.zcard("schedule") == 1
    command = re.search(r"python (-m sidekiq_tui.sidekiq.worker .*)", (ROOT / "README.md").read_text("utf-8"))
    assert command is not None
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, *command[1].split(), "--url", redis_url),
        cwd=tmp_path,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
    )
    assert worker.stdout is not None
    while (line := await worker.stdout.readline()) and b"charged 42 in EUR" not in line:
        pass
    assert line
    worker.terminate()
    await worker.communicate()
    assert worker.returncode == 0


def _command_lines() -> list[str]:
    """The lines of the README's shell examples that run sqtui with words of its own."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    lines = (line for block in blocks for line in block.splitlines())
    return [line for line in lines if line.startswith("sqtui")]


@pytest.mark.parametrize("line", _command_lines())
def test_every_command_line_is_one(line: str) -> None:
    words = shlex.split(re.split(r" \|\|? | > ", line)[0], comments=True)
    args = parse(build_parser(commands()), words[1:])
    if "place" in vars(args) and args.view not in ("clear", "export", "sync"):
        job_operation(args)


def test_every_command_is_told_of() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    told = set(re.findall(r"(?:`sqtui |`|sqtui )([a-z][a-z-]*)", text))
    assert set(build_parser(commands()).children()) - {"__complete"} <= told
