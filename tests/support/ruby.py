"""Real Ruby Sidekiq for tests: whichever versions this machine has, natively or in a folder to chroot into.

`SQTUI_RUBY_ROOTS` names such folders (as of debootstrap), separated by colons; `.ci/run` makes them.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, TypeVar

T = TypeVar("T")

ROOTS_VARIABLE = "SQTUI_RUBY_ROOTS"
ROOTS = os.environ.get(ROOTS_VARIABLE, "")  # read before a fixture takes SQTUI_* away
PATIENCE = 60.0


@dataclass(frozen=True)
class Started:
    """A Ruby process that goes on."""

    process: subprocess.Popen[str]
    log: IO[str]

    async def until(self, ready: Callable[[], Awaitable[T]]) -> T:
        """Waits for something that it brings about; fails with its log when it ends, or never does it."""
        deadline = time.monotonic() + PATIENCE
        while not (found := await ready()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.log.seek(0)
                raise AssertionError(f"Ruby did not do it:\n{self.log.read()[-3000:]}")
            await asyncio.sleep(0.05)
        return found


@dataclass(frozen=True)
class Ruby:
    """One Ruby with one Sidekiq."""

    version: str
    command: tuple[str, ...]

    @property
    def release(self) -> tuple[int, ...]:
        """The version as numbers."""
        return tuple(int(part) for part in self.version.split("."))

    def run(self, url: str, script: str, **given: object) -> Any:
        """Runs a script and returns what it passes to `answer`; `GIVEN` holds `given`. The database is `url`'s."""
        ran = subprocess.run(
            [*self.command, "-"],
            input=_PRELUDE + script,
            env=_environment(url, given),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ran.returncode == 0, f"Ruby Sidekiq {self.version}:\n{ran.stderr[-3000:]}"
        answers = [line[len(_MARK) :] for line in ran.stdout.split("\n") if line.startswith(_MARK)]
        return json.loads(answers[-1]) if answers else None

    @contextmanager
    def started(self, url: str, script: str, **given: object) -> Iterator[Started]:
        """A script that goes on running, such as a worker (see `worker`); killed at the end."""
        with tempfile.TemporaryFile("w+") as log:
            process = subprocess.Popen(
                [*self.command, "-"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_environment(url, given),
                text=True,
                start_new_session=True,
            )
            assert process.stdin is not None
            process.stdin.write(_PRELUDE + script)
            process.stdin.close()
            try:
                yield Started(process, log)
            finally:
                process.kill()
                process.wait()

    def worker(self, url: str, jobs: str, **config: object) -> Any:
        """A Sidekiq process that runs the job classes that `jobs` defines.

        `config`: queues, concurrency, timeout; `poll` and `beat` are seconds between two looks for due jobs and two
        heartbeats, Sidekiq's own without.
        """
        return self.started(url, jobs + _WORKER, **config)


_MARK = "ANSWER "
_PRELUDE = f"""
require "json"
require "sidekiq"
require "sidekiq/api"
GIVEN = JSON.parse(ENV.fetch("GIVEN"))
URL = ENV.fetch("REDIS_URL")
if Sidekiq::VERSION < "7"
  Sidekiq.logger.level = Logger::WARN
else
  Sidekiq.default_configuration.logger.level = Logger::WARN
end
Sidekiq.configure_client {{ |config| config.redis = {{ url: URL }} }}
def answer(value)
  $stdout.puts("{_MARK}" + JSON.generate(value))
  $stdout.flush
end
def redis(*command) = Sidekiq.redis {{ |connection| connection.call(*command) }}
JOB = Sidekiq::VERSION < "6.3" ? Sidekiq::Worker : Sidekiq::Job
"""
# As `sidekiq` would run them, without its command line: -r wants a file, and the jobs are here already.
_WORKER = """
require "sidekiq/cli"
require "sidekiq/launcher"
require "sidekiq/scheduled"
if GIVEN["beat"]
  Sidekiq::Launcher.send(:remove_const, :BEAT_PAUSE)
  Sidekiq::Launcher::BEAT_PAUSE = GIVEN["beat"]
end
unless File.exist?("/proc/self/status") # a chroot that has no /proc: nobody can tell how much memory is used
  Sidekiq::Launcher.send(:remove_const, :MEMORY_GRABBER)
  Sidekiq::Launcher::MEMORY_GRABBER = ->(_) { 0 }
end
if GIVEN["poll"]
  Sidekiq::Scheduled::Poller.define_method(:initial_wait) { nil }
  Sidekiq.configure_server { |config| config.average_scheduled_poll_interval = GIVEN["poll"] }
end
cli = Sidekiq::CLI.instance
queues = GIVEN.fetch("queues", ["default"])
harmless = $LOADED_FEATURES.find { |feature| feature.end_with?("/json.rb") }
arguments = ["-r", harmless, "-c", GIVEN.fetch("concurrency", 2).to_s, "-t", GIVEN.fetch("timeout", 5).to_s]
queues.each { |queue| arguments.push("-q", queue) }
Sidekiq.configure_server { |config| config.redis = { url: URL } }
cli.parse(["sidekiq", *arguments].drop(1))
cli.run
"""


def _environment(url: str, given: Mapping[str, object]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", "REDIS_URL": url, "GIVEN": json.dumps(given), "HOME": "/tmp"}


@cache
def rubies() -> tuple[Ruby, ...]:
    """Those that this machine has, the oldest Sidekiq first."""
    commands: list[tuple[str, ...]] = []
    if native := shutil.which("ruby"):
        commands.append((native,))
    if os.geteuid() == 0 and (chroot := shutil.which("chroot")):
        commands += [(chroot, root, "/usr/bin/ruby") for root in ROOTS.split(":") if (Path(root) / "usr/bin").is_dir()]
    found = [Ruby(version, command) for command in commands if (version := _version(command)) is not None]
    return tuple(sorted(found, key=lambda ruby: ruby.release))


def _version(command: tuple[str, ...]) -> str | None:
    asked = subprocess.run(
        [*command, "-e", 'require "sidekiq"; print Sidekiq::VERSION'], capture_output=True, text=True, check=False
    )
    return asked.stdout if asked.returncode == 0 else None
