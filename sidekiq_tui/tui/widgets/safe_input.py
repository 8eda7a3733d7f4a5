"""A field to type into whose text may come from a job: what is shown of it cannot reach the terminal as commands."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text
from textual.widgets import Input

from sidekiq_tui.presentation.text import typed_text


class SafeInput(Input):
    """As Textual's, which sends most control characters of its value to the terminal. The value stays as it is."""

    @property
    def _value(self) -> Text:
        return Text(typed_text(self.value), no_wrap=True, overflow="ignore", end="")

    def _position_to_cell(self, position: int) -> int:
        return cell_len(typed_text(self.value[:position]))
