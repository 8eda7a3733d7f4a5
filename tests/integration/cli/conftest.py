"""Runs the command line in this process, as `sqtui` would, and catches what it prints."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from sidekiq_tui.cli.main import run


@dataclass(frozen=True)
class Ran:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Its stdout as one JSON document; all of it must be ASCII."""
        assert self.out.isascii()
        return json.loads(self.out)

    @property
    def records(self) -> list[Any]:
        """Its stdout as NDJSON."""
        assert self.out.isascii()
        return [json.loads(line) for line in self.out.splitlines()]


class Sqtui(Protocol):
    """Runs a command line; says what it ended with."""

    def __call__(self, *argv: str) -> Ran: ...


def no_door(args: argparse.Namespace) -> int:
    raise AssertionError("a one-shot command opened a screen")


@pytest.fixture
def sqtui(capsys: pytest.CaptureFixture[str]) -> Sqtui:
    """A one-shot command line; stdout is no terminal."""

    def call(*argv: str) -> Ran:
        capsys.readouterr()
        code = run(argv, ui=no_door, demo=no_door)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return call


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], str]:
    """Writes a settings file and returns its path."""

    def write(text: str) -> str:
        path = tmp_path / "sqtui.toml"
        path.write_text(text, "utf-8")
        return str(path)

    return write
