from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len, set_cell_size

from sidekiq_tui.presentation.text import cell_width, clip, display_text, fit
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_TEXTS

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("", ""),
        ("\x1b[2J", "␛[2J"),
        ("a\x00b\x07c\x7f", "a␀b␇c␡"),
        ("tab\tline\nend\r", "tab␉line␊end␍"),
        ("\x9b31m \x85", "\ufffd31m \ufffd"),
        ("\u202eevil\u202c", "\ufffdevil\ufffd"),
        ("a\u200bb\ufeffc", "a\ufffdb\ufffdc"),
        ("\u2028\u2029", "\ufffd\ufffd"),
        ("\ud800", "\ufffd"),
        (b"caf\xc3\xa9 \xff\xfe", "café \\xff\\xfe"),
        (b"cut \xe6\xbc", "cut \\xe6\\xbc"),
        ("\udc9b31m", "\\x9b31m"),
        ("漢字", "漢字"),
        ("a\u00a0b\u3000c", "a b  c"),
        ("\ue000\uffff\U0010ffff\u0378", "\ufffd\ufffd\ufffd\ufffd"),
        ("\U000e0041", "\ufffd"),
        ("❤\ufe0f", "❤\ufffd"),
        ("👍🏽", "👍\ufffd"),
        ("\u3164\u115f\u2800", "\ufffd\ufffd\u2800"),
        ("e\u0301", "e\u0301"),
        ("\u0301e", "\ufffde"),
    ],
)
def test_display_text(value: str | bytes, shown: str) -> None:
    assert display_text(value) == shown


def test_a_storm_of_marks_is_cut_to_what_scripts_need() -> None:
    storm = display_text("e" + "\u0301" * 300 + "f")
    assert storm == "e" + "\u0301" * 4 + "\ufffd" + "f"
    assert display_text("กี่ำ") == "กี่ำ"


def test_only_what_is_printable_is_left() -> None:
    """Every code point there is, one by one: no control, format, private, unassigned or surrogate character stays."""
    for start in range(0, 0x110000, 256):
        shown = display_text("".join(f"x{chr(code)}" for code in range(start, start + 256)), None)
        assert not CONTROL_PATTERN.search(shown), hex(start)
        assert shown.isprintable(), hex(start)
        categories = {unicodedata.category(char) for char in shown}
        assert not categories & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}, hex(start)
        assert cell_width(shown) == sum(map(cell_len, shown)), hex(start)


@given(ANYTHING)
def test_display_text_is_idempotent_and_safe(value: str) -> None:
    shown = display_text(value)
    assert display_text(shown) == shown
    assert shown.isprintable()
    assert not CONTROL_PATTERN.search(shown)
    shown.encode("utf-8")


@given(st.binary(max_size=200), st.integers(1, 50))
def test_bytes_too_within_the_limit(value: bytes, limit: int) -> None:
    shown = display_text(value, limit)
    assert shown.isprintable()
    assert len(shown) <= limit
    assert display_text(value, None).startswith(shown.removesuffix("…"))


def test_the_limit_cuts_and_says_so() -> None:
    assert display_text("x" * 600) == "x" * 499 + "…"
    assert display_text("x" * 500) == "x" * 500
    assert display_text("\x1b" * 600, 10) == "␛" * 9 + "…"
    assert display_text(b"\xff" * 600, 10) == "\\xff\\xff\\…"
    assert display_text("x" * 600, None) == "x" * 600


class WholeText(str):
    """Text that may only be sliced: whatever reads all of it fails."""

    def translate(self, table: object = None) -> str:
        raise AssertionError("read all of it")

    isprintable = isascii = encode = translate  # type: ignore[assignment]


class WholeBytes(bytes):
    """The same for bytes."""

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise AssertionError("read all of it")


def test_a_megabyte_costs_no_more_than_its_beginning() -> None:
    huge = "\x1b漢" * 500_000
    expected = display_text(huge[:600])
    assert display_text(WholeText(huge)) == expected
    assert display_text(WholeBytes(huge.encode())) == expected
    with pytest.raises(AssertionError, match="read all"):
        display_text(WholeText(huge), None)


@given(ANYTHING)
def test_width_is_what_rich_measures(value: str) -> None:
    shown = display_text(value)
    assert cell_width(shown) == cell_len(shown)


@given(ANYTHING, st.integers(0, 40), st.sampled_from(["left", "right"]), st.sampled_from(["left", "right"]))
def test_fit_is_exactly_as_wide_as_asked(value: str, width: int, align: str, cut: str) -> None:
    fitted = fit(value, width, align, cut)  # type: ignore[arg-type]
    assert cell_width(fitted) == width == cell_len(fitted)
    assert fitted.isprintable()


@given(ANYTHING, st.integers(0, 40))
def test_what_fits_is_not_cut(value: str, width: int) -> None:
    shown = display_text(value)
    if cell_width(shown) <= width:
        assert fit(shown, width) == set_cell_size(shown, width)
        assert clip(shown, width) == shown
    else:
        assert "…" in clip(shown, width) or width == 0


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("Invoice::ReminderMailer", 17, "left", "left"), "…::ReminderMailer"),
        (("critical", 10, "right", "right"), "  critical"),
        (("thumbnails", 8), "thumbna…"),
        (("漢字かな", 6), "漢字… "),
        (("漢字かな", 6, "left", "left"), "…かな "),
        (("漢字かな", 1), "…"),
        (("ae\u0301z", 2), "a…"),
        (("zae\u0301", 2, "left", "left"), "…e\u0301"),
        (("zae\u0301", 1, "left", "left"), "…"),
        (("any", 0), ""),
        (("any", -3), ""),
        (("thumbnails", 8, "left", "right", "~"), "thumbna~"),
    ],
)
def test_fit(arguments: tuple[str, int], shown: str) -> None:
    assert fit(*arguments) == shown


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=ascii)
def test_hostile_texts_come_out_harmless(text: str) -> None:
    for shown in (display_text(text), display_text(text.encode("utf-8", "surrogatepass")), fit(text, 30)):
        assert not CONTROL_PATTERN.search(shown)
        assert "\n" not in shown
        assert "\t" not in shown
