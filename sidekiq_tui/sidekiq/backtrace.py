"""Which lines of a Ruby backtrace are the application's own, and which are gems', Ruby's or Rails' glue."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

LONGEST: Final = 2000
"""Characters of a line that are looked at."""

# Where Bundler, RubyGems, Ruby's package managers and Ruby itself keep code that is not the application's. A frame of
# Ruby's own has no file at all (`<internal:kernel>`), or is made by eval in somebody's gem.
_FOREIGN: Final = re.compile(
    r"/gems/|/bundler/|/rubygems/|/vendor/bundle/|/\.bundle/|/\.rbenv/|/\.rvm/|/\.asdf/|/\.mise/|/rubies/"
    r"|/lib/ruby/|/lib/jruby|/usr/(?:local/)?lib/|/bin/(?:sidekiq|bundle|ruby|rails)\w*:"
    r"|\A<internal:|\A\(eval\b|\A\[?gem\b|\A[a-z0-9_-]+ \([0-9][^)]*\) "
)
# A file, and after it the line: `app/models/order.rb:12:in 'Order#pay'`.
_FRAME: Final = re.compile(r"[^\s:][^:]*:[0-9]+")


def own_frame(line: str) -> bool:
    """Whether a line of a backtrace is the application's own code. Never raises; time bounded whatever the line.

    Ruby writes `PATH:LINE:in 'METHOD'` (`` `METHOD' `` before 3.4); Rails' cleaner writes gems as `name (1.2.3) path`.
    A line that is no frame is nobody's.
    """
    shown = line[:LONGEST]
    return _FOREIGN.search(shown) is None and _FRAME.match(shown) is not None


def first_own_frame(lines: Iterable[str]) -> str | None:
    """The innermost frame of the application: where to look first. None if every frame is somebody else's."""
    return next((line[:LONGEST] for line in lines if own_frame(line)), None)
