"""The first line: every server with its digit and mark, and at the right what is known of the one in view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.glyphs import GlyphSet, glyph_set
from sidekiq_tui.presentation.text import cell_width, clip, display_text
from sidekiq_tui.servers.health import State
from sidekiq_tui.tui.messages import LookAt
from sidekiq_tui.tui.theme import is_production
from sidekiq_tui.tui.widgets.line import Line

_NAME_CELLS: Final = 20
_LABEL_CELLS: Final = 16
_RTT_CELLS: Final = 5
_ALL_DIGIT: Final = "0"
_HEALTHY: Final = frozenset({"ok", "connecting"})
_MARKS: Final[dict[State, tuple[str, str]]] = {
    "ok": ("ok", "ok"),
    "slow": ("warn", "warn"),
    "warn": ("warn", "warn"),
    "bad": ("bad", "bad"),
    "offline": ("offline", "text"),
    "forbidden": ("forbidden", "warn"),
    "connecting": ("connecting", "muted"),
}

Part = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class ServerTab:
    """One server in the strip; `digit` is empty past the ninth."""

    digit: str
    name: str
    state: State
    label: str | None


@dataclass(frozen=True, slots=True)
class Corner:
    """The right end: what to say of the server in view (nothing but the age when all are), in words ready to show."""

    label: str | None = None
    insecure: bool = False
    access: str = ""
    redis: str = ""
    rtt: str = ""
    age: str = ""
    age_cells: int = 6
    """Room for the ages that this server's data has while all is well."""
    age_role: str = "muted"


@dataclass(frozen=True, slots=True)
class Strip:
    """All that the line shows; `active` is the index of the server in view, None for all."""

    servers: tuple[ServerTab, ...] = ()
    active: int | None = None
    corner: Corner = field(default_factory=Corner)

    @property
    def ground(self) -> str:
        """The tint of the label of the server in view."""
        return "panel" if self.active is None else f"tint:{self.servers[self.active].label or ''}"


def state_mark(state: State, glyphs: GlyphSet) -> Span:
    """A state's sign in its colour."""
    name, role = _MARKS[state]
    mark: str = getattr(glyphs, name)
    return Span(mark, role)


def strip_spans(strip: Strip, width: int, ascii: bool = False) -> list[Span]:
    """The line: healthy servers shrink to digit and mark, the right end loses its middle, then sick ones shrink."""
    glyphs = glyph_set(ascii)
    for level, keys in _steps():
        entries = _entries(strip, level, glyphs)
        corner = _corner(strip.corner, keys, glyphs)
        if 1 + _cells(entries) + _cells(corner) + 1 <= width:
            return _joined(entries, corner, width)
    corner = _corner(strip.corner, frozenset(), glyphs)
    return _joined(_scrolled(strip, width - _cells(corner) - 4, glyphs), corner, width)


_MIDDLE: Final = ("redis", "rtt", "access")


def _steps() -> Iterator[tuple[int, frozenset[str]]]:
    """What to give up, one after the other: (how far servers shrink, what the right end keeps)."""
    everything = frozenset({"label", *_MIDDLE})
    yield 0, everything
    for gone in range(3):
        yield 1, everything - set(_MIDDLE[:gone])
    for gone in range(2, 4):
        yield 2, everything - set(_MIDDLE[:gone])
    yield 2, frozenset()


def _entries(strip: Strip, level: int, glyphs: GlyphSet) -> list[Part]:
    entries = [_entry(tab, index == strip.active, level, glyphs) for index, tab in enumerate(strip.servers)]
    return [*entries, _all(strip.active is None)]


def _all(active: bool) -> Part:
    return (Span(" 0 all ", "text chip"),) if active else (Span(" 0 all ", "muted"),)


def _entry(tab: ServerTab, active: bool, level: int, glyphs: GlyphSet) -> Part:
    mark = state_mark(tab.state, glyphs)
    name = clip(display_text(tab.name), _NAME_CELLS, ellipsis=glyphs.cut)
    label = f"label:{tab.label or ''}"
    digit = f"{tab.digit} " if tab.digit else ""
    if active:
        return (Span(f" {digit}{mark.text} {name} ", f"{label} chip"),)
    if level == 0 or (level == 1 and tab.state not in _HEALTHY):
        return Span(f" {digit}", "muted"), mark, Span(f" {name} ", label)
    return Span(f" {tab.digit}", "muted"), mark, Span(" ")


def _corner(corner: Corner, keys: frozenset[str], glyphs: GlyphSet) -> list[Part]:
    parts: list[Part] = []
    if corner.label and "label" in keys:
        word = clip(display_text(corner.label), _LABEL_CELLS, ellipsis=glyphs.cut)
        parts.append((Span(word.upper() if is_production(corner.label) else word, f"label:{corner.label} strong"),))
    if corner.insecure:
        parts.append((Span(f"{glyphs.warn} insecure TLS" if "access" in keys else glyphs.warn, "warn strong"),))
    for key, words, cells in (("access", corner.access, 0), ("redis", corner.redis, 0), ("rtt", corner.rtt, 4)):
        if words and key in keys:
            parts.append((Span(words.rjust(_RTT_CELLS + 4 if cells else 0), "muted"),))
    if corner.age:
        chip = corner.age_role.endswith(" chip")
        parts.append((Span(f" {corner.age} " if chip else corner.age.rjust(corner.age_cells), corner.age_role),))
    apart = Span(f" {glyphs.apart} ", "muted")
    joined: list[Part] = []
    for index, part in enumerate(parts):
        joined.append((apart, *part) if index else part)
    return joined


def _scrolled(strip: Strip, room: int, glyphs: GlyphSet) -> list[Part]:
    """The servers that fit round the one in view, with ``‹ ›`` where more are; ``0 all`` stays at the end."""
    entries = _entries(strip, 2, glyphs)
    last_entry = entries.pop()
    room -= _cells([last_entry]) + 4
    here = strip.active or 0
    first = last = here
    used = _cells(entries[here : here + 1])
    while True:
        if last + 1 < len(entries) and used + _cells([entries[last + 1]]) <= room:
            last += 1
            used += _cells([entries[last]])
        elif first > 0 and used + _cells([entries[first - 1]]) <= room:
            first -= 1
            used += _cells([entries[first]])
        else:
            break
    before: Part = (Span(f"{glyphs.more_left} " if first > 0 else "  ", "muted"),)
    after: Part = (Span(f" {glyphs.more_right}" if last + 1 < len(entries) else "  ", "muted"),)
    return [before, *entries[first : last + 1], after, last_entry]


def _joined(entries: Sequence[Part], corner: Sequence[Part], width: int) -> list[Span]:
    blank = max(0, width - 1 - _cells(entries) - _cells(corner) - 1)
    return [
        Span(" "),
        *(span for entry in entries for span in entry),
        Span(" " * blank),
        *(span for part in corner for span in part),
        Span(" "),
    ]


def _cells(parts: Sequence[Part]) -> int:
    return sum(cell_width(span.text) for part in parts for span in part)


class HeaderStrip(Horizontal):
    """Servers at the left, the one in view at the right, on the tint of its label.

    The age is a widget of its own: Textual writes a line from its widget's first cell on, and the age ticks.
    """

    DEFAULT_CSS = """
    HeaderStrip { height: 1; }
    HeaderStrip #strip-age { width: 0; }
    """

    def __init__(self, *, ascii: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ascii = ascii
        self._strip = Strip()

    def compose(self) -> ComposeResult:
        """What stands, and what ticks."""
        yield Line(ground="panel", id="strip-servers")
        yield Line(ground="panel", id="strip-age")

    @property
    def text(self) -> str:
        """What the line says."""
        return "".join(line.text for line in self.query(Line))

    @property
    def age_role(self) -> str:
        """How the age looks."""
        return self._strip.corner.age_role

    def show(self, strip: Strip) -> None:
        """Shows the servers and the corner."""
        self._strip = strip
        self._draw(self.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """Lays the same strip out anew."""
        self._draw(event.size.width)

    def _draw(self, width: int) -> None:
        spans = strip_spans(self._strip, width, self._ascii)
        ticking = spans[-2:] if self._strip.corner.age else spans[-1:]
        age = self.query_one("#strip-age", Line)
        age.styles.width = sum(cell_width(span.text) for span in ticking)
        age.put(ticking, self._strip.ground)
        self.query_one("#strip-servers", Line).put(spans[: -len(ticking)], self._strip.ground)

    def on_click(self, event: events.Click) -> None:
        """To the server that was clicked, or to all; servers past the ninth have no digit to be known by."""
        line = self.query_one("#strip-servers", Line)
        index = line.span_at(event.screen_x - line.region.x)
        digit = _digit_before(line.spans, index) if index is not None else ""
        names = {tab.digit: tab.name for tab in self._strip.servers if tab.digit}
        if digit == _ALL_DIGIT or digit in names:
            self.post_message(LookAt(names.get(digit)))


def _digit_before(spans: Sequence[Span], index: int) -> str:
    """The digit of the entry that a span belongs to; empty for the right end of the line."""
    for span in reversed(spans[: index + 1]):
        word = span.text.strip().partition(" ")[0]
        if len(word) == 1 and word.isdigit():
            return word
        if len(span.text) > 1 and not word:
            return ""
    return ""
