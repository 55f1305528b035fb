"""What several tests look at: the colors of a picture, and a log in which something goes on."""

import io
from time import perf_counter_ns as clock_ns

from logs import MS, log
from PIL import Image, ImageColor

from pushpull_kit.spec import COLORS

BLUE, GREEN, ORANGE, RED = (
    ImageColor.getrgb(COLORS[kind]) for kind in ("sending", "handling", "waiting", "blocked")
)


def running():
    """Make a log in which a message is in the handler right now, and one waits."""
    return log([(0, 0.1, 0.5, None), (0.1, 0.2, None, None)], start_ns=clock_ns() - 300 * MS)


def colors(page):
    """Return the colors of the picture, and the number of pixels of each."""
    image = Image.open(io.BytesIO(page.download("PNG"))).convert("RGB")
    return {color: count for count, color in image.getcolors(1_000_000)}
