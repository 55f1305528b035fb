"""Constants that Python and the page's program share; spec.json is the one place that has them.

The page's program gets the whole file. A test fails if either side writes one of these by hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

#: The file as a dict, for the page's program.
SPEC: dict[str, Any] = json.loads(Path(__file__).with_name("spec.json").read_text("utf-8"))

#: What can have become of a message. A row of the log holds an index into this.
OUTCOMES: tuple[str, ...] = tuple(SPEC["outcomes"])

#: Units of time, the largest first, each with its length in ns.
TIME_UNITS: tuple[tuple[str, float], ...] = tuple((unit, ns) for unit, ns in SPEC["time_units"])

#: A send that takes longer counts as blocked. Others take microseconds; less than this is not felt.
BLOCKED_NS: int = SPEC["blocked_ns"]

#: The color of each kind of bar, from Okabe and Ito's palette for color-blind readers.
COLORS: dict[str, str] = SPEC["colors"]

#: How many lanes of senders, and of workers, a picture shows; it says how many more there are.
MAX_LANES: int = SPEC["max_lanes"]

#: How many waiting messages a picture draws one by one; more are drawn as a crowd.
MAX_SINGLE_WAITS: int = SPEC["max_single_waits"]

#: How many waiting messages a picture stacks above each other; more are drawn as a crowd.
MAX_WAIT_SLOTS: int = SPEC["max_wait_slots"]

#: Width of the narrowest bar: a narrower one could not be seen.
MIN_BAR_PX: float = SPEC["min_bar_px"]

#: Bars narrower than this, and less than a pixel apart, are drawn as one.
MERGE_PX: float = SPEC["merge_px"]

#: A merged bar wider than this is as high as the share of time in which something happened.
DENSE_FROM_PX: float = SPEC["dense_from_px"]

#: The smallest share that such a bar shows, so that it can be seen.
MIN_DENSE_SHARE: float = SPEC["min_dense_share"]

#: The columns of a batch of messages on the way to the page, with their NumPy types. The widest
#: come first, so that each column is aligned.
BATCH_COLUMNS: tuple[tuple[str, str], ...] = tuple(
    (name, kind) for name, kind in SPEC["batch_columns"]
)
