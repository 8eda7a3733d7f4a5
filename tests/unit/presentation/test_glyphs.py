from __future__ import annotations

from dataclasses import fields

import pytest

from sidekiq_tui.presentation.glyphs import ASCII, UNICODE, GlyphSet, glyph_set, to_ascii
from sidekiq_tui.presentation.text import cell_width, display_text


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_every_glyph_is_one_safe_cell(glyphs: GlyphSet) -> None:
    for field in fields(glyphs):
        sign = getattr(glyphs, field.name)
        assert len(sign) == (8 if field.name == "bars" else 1), field.name
        assert cell_width(sign) == len(sign)
        assert display_text(sign) == sign


def test_the_ascii_set_is_ascii() -> None:
    assert all(getattr(ASCII, field.name).isascii() for field in fields(ASCII))
    assert glyph_set(True) is ASCII
    assert glyph_set() is UNICODE


def test_no_glyph_that_common_fonts_lack() -> None:
    drawn = "".join(getattr(UNICODE, field.name) for field in fields(UNICODE))
    assert not any(0x2800 <= ord(sign) <= 0x28FF for sign in drawn), "braille"
    assert not set("⏱⏸⟳⚠") & set(drawn)


def test_our_signs_become_ascii_and_letters_stay() -> None:
    assert to_ascii("● ok · 漢… ▇▁ –") == "o ok , 漢~ #. -"
    assert to_ascii("\ufffd") == "?"
    for field in fields(UNICODE):
        assert to_ascii(getattr(UNICODE, field.name)).isascii(), field.name
