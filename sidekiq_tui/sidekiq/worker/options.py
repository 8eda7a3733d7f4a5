"""The worker's command line and its settings file."""

from __future__ import annotations

import argparse
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.worker.config import VERSION, CapsuleConfig, WorkerConfig

_FILE_KEYS = frozenset(
    ("url", "require", "concurrency", "queues", "timeout", "tag", "labels", "version", "reliable", "json_logs")
) | {"capsules"}


class WorkerUsageError(SidekiqError):
    """An option or a setting that means nothing."""

    title = "Usage"
    exit_code = 2


@dataclass(frozen=True, slots=True)
class Options:
    """What the command was told."""

    config: WorkerConfig
    url: str
    modules: tuple[str, ...]
    json_logs: bool


def parse_options(arguments: Sequence[str], environ: Mapping[str, str] | None = None) -> Options:
    """The options of a command line; what it does not say, the settings file says. Raises WorkerUsageError.

    argparse ends the program itself for `--help` and for options that do not exist.
    """
    given = vars(_parser().parse_args(arguments))
    said = {**_file(given.pop("config")), **{name: value for name, value in given.items() if value is not None}}
    modules = tuple(_texts(said.get("require", ()), "require"))
    if not modules:
        raise WorkerUsageError("no module with job classes", hint="name one with -r")
    default = CapsuleConfig("default", _count(said.get("concurrency", 5)), parse_queues(said.get("queues", ())))
    config = WorkerConfig(
        capsules=(default, *_capsules(said.get("capsules", {}))),
        timeout=float(str(said.get("timeout", 25))),
        tag=str(said.get("tag", "")),
        labels=("python", *_texts(said.get("labels", ()), "labels")),
        version=str(said.get("version", VERSION)),
        reliable=bool(said.get("reliable", False)),
    )
    return Options(config, str(said.get("url") or _default_url(environ)), modules, bool(said.get("json_logs")))


def parse_queues(given: object) -> tuple[tuple[str, int], ...]:
    """Queues with weights from `name` or `name,weight`; `default` when there are none. Raises WorkerUsageError."""
    queues: list[tuple[str, int]] = []
    for one in _texts(given, "queues"):
        name, comma, weight = one.rpartition(",")
        queues.append((name, _count(weight)) if comma and weight.isdigit() else (one, 0))
    return tuple(queues) or (("default", 0),)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sidekiq_tui.sidekiq.worker", description="Runs Sidekiq jobs that are written in Python."
    )
    add = parser.add_argument
    add("-r", "--require", action="append", metavar="MODULE", help="a module that defines job classes")
    add("-c", "--concurrency", type=int, metavar="N", help="jobs at the same time (5)")
    add("-q", "--queue", action="append", dest="queues", metavar="NAME[,WEIGHT]", help="a queue to take jobs from")
    add("-t", "--timeout", type=float, metavar="SECONDS", help="how long stopping waits for jobs (25)")
    add("-g", "--tag", help="what the process is called besides its host")
    add("-C", "--config", metavar="FILE", help="a TOML file with these settings")
    add("--url", help="the address of Redis (the variable REDIS_PROVIDER names, or REDIS_URL)")
    add("--reliable", action="store_true", default=None, help="lose no job if the process is killed")
    add("--json-logs", action="store_true", default=None, help="log one JSON object a line")
    return parser


def _file(path: str | None) -> Mapping[str, object]:
    if path is None:
        return {}
    try:
        said = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise WorkerUsageError(f"{path} cannot be read: {error}") from None
    unknown = sorted(set(said) - _FILE_KEYS)
    if unknown:
        raise WorkerUsageError(f"{path}: {unknown[0]} is not a setting", hint=", ".join(sorted(_FILE_KEYS)))
    return said


def _capsules(said: object) -> list[CapsuleConfig]:
    if not isinstance(said, dict):
        raise WorkerUsageError("capsules must be a table of tables")
    return [
        CapsuleConfig(str(name), _count(one.get("concurrency", 1)), parse_queues(one.get("queues", ())))
        for name, one in said.items()
    ]


def _texts(value: object, name: str) -> list[str]:
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise WorkerUsageError(f"{name} must be a list of texts")
    return list(value)


def _count(value: object) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number < 1:
        raise WorkerUsageError(f"{value} is no number of one or more")
    return number


def _default_url(environ: Mapping[str, str] | None) -> str:
    known = os.environ if environ is None else environ
    return known.get(known.get("REDIS_PROVIDER", "REDIS_URL"), "redis://localhost:6379/0")
