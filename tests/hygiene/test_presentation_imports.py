"""The words and columns that both front ends share stay cheap to import: one-shot views pay for them at every start."""

from __future__ import annotations

import subprocess
import sys

import pytest

MODULES = (
    "text",
    "units",
    "glyphs",
    "spark",
    "values",
    "columns",
    "columns.jobs",
    "columns.workers",
    "records",
    "flat",
)
HEAVY = ("textual", "redis", "asyncio", "keyring", "tomlkit", "rich.text", "rich.console", "rich.segment")


@pytest.mark.parametrize("module", MODULES)
def test_an_import_loads_no_front_end_and_no_redis(module: str) -> None:
    code = f"import sys, sidekiq_tui.presentation.{module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert f"sidekiq_tui.presentation.{module}" in loaded
    assert not set(HEAVY) & set(loaded)
    if module in ("units", "glyphs", "spark"):
        assert "rich" not in loaded


def test_a_list_loads_only_itself() -> None:
    code = "import sys; from sidekiq_tui.presentation.columns import QUEUES; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "sidekiq_tui.presentation.columns.queues" in loaded
    assert not {"sidekiq_tui.presentation.columns.jobs", "msgspec"} & set(loaded)


def test_every_name_that_columns_offers_is_there() -> None:
    import sidekiq_tui.presentation.columns as columns

    assert all(getattr(columns, name) is not None for name in columns.__all__)
    with pytest.raises(AttributeError):
        columns.NOTHING  # noqa: B018
