"""What a crash prints."""

from __future__ import annotations

import pytest

from sidekiq_tui.tui.crash import crash_report, redacted


def _report(message: str) -> str:
    password = "hunter2-in-a-local"
    try:
        assert password
        raise RuntimeError(message)
    except RuntimeError as error:
        return crash_report(error)


def test_says_what_and_where_but_no_locals() -> None:
    report = _report("it broke")
    assert "it broke" in report
    assert "test_crash.py" in report
    assert "It lost no job" in report


@pytest.mark.parametrize(
    "text",
    [
        "redis://user:s3cret@host:6379/0",
        "rediss://:s3cret@host",
        "unix://x:s3cret@/tmp/a.sock",
        "password=s3cret",
        "'password': 's3cret'",
        "AUTH=s3cret",
    ],
)
def test_no_credentials(text: str) -> None:
    assert "s3cret" not in redacted(text)
    assert "s3cret" not in _report(f"cannot connect to {text} now").split("RuntimeError: ", 1)[1]


def test_no_control_characters() -> None:
    report = _report("bad \x1b]52;c;eA==\x07 name \x9b2J")
    assert all(line.isprintable() for line in report.splitlines())
