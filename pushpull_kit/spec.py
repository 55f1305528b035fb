"""Reads spec.json: constants shared by Python and JavaScript, such as limits and colors.

The page's spec.js reads the same file. tests/test_spec.py fails if another file repeats one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

#: The whole file, for the page.
SPEC: dict[str, Any] = json.loads(Path(__file__).with_name("spec.json").read_text("utf-8"))

#: What can have become of a message. A row of the log holds an index into this.
OUTCOMES: tuple[str, ...] = tuple(SPEC["outcomes"])

#: Units of time, the largest first, each with its length in ns.
TIME_UNITS: tuple[tuple[str, float], ...] = tuple((unit, ns) for unit, ns in SPEC["time_units"])

#: A send that takes longer counts as blocked. Other sends take microseconds, and shorter
#: ones are not noticed.
BLOCKED_NS: int = SPEC["blocked_ns"]

#: The color of each kind of bar, from Okabe and Ito's palette for color-blind readers.
COLORS: dict[str, str] = SPEC["colors"]

#: What a legend calls the mark of a receipt of which nothing later is known.
RECEIVED_LABEL: str = SPEC["received_label"]

#: Maximum number of lanes of senders, and of workers, in a picture.
MAX_LANES: int = SPEC["max_lanes"]

#: Maximum number of waits that are drawn one by one; more are drawn as a crowd.
MAX_SINGLE_WAITS: int = SPEC["max_single_waits"]

#: Maximum number of waits above each other; more are drawn as a crowd.
MAX_WAIT_SLOTS: int = SPEC["max_wait_slots"]

#: Minimum width of a bar, so that it can be seen.
MIN_BAR_PX: float = SPEC["min_bar_px"]

#: Bars narrower than this are merged with neighbors less than a pixel away.
MERGE_PX: float = SPEC["merge_px"]

#: A merged bar wider than this is as high as the share of time that its parts took.
DENSE_FROM_PX: float = SPEC["dense_from_px"]

#: The smallest share that such a bar shows, so that it can be seen.
MIN_DENSE_SHARE: float = SPEC["min_dense_share"]

#: The columns of a batch, with their NumPy types: the layout of its block of bytes. The widest come
#: first, so that each column is aligned.
BATCH_COLUMNS: tuple[tuple[str, str], ...] = tuple(
    (name, kind) for name, kind in SPEC["batch_columns"]
)
