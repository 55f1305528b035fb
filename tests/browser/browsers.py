"""Which browser the tests drive: Playwright's own Chromium, or the system's."""

import os
import shutil
from typing import Any

from playwright.sync_api import Browser, Playwright

#: Chromium needs the first two as root, and where /dev/shm is small. The others stop requests.
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--enable-precise-memory-info",
]


def launch(playwright: Playwright, **options: Any) -> Browser:
    """Start Chromium without a window; raises Playwright's `Error` where there is none."""
    own = playwright.chromium.executable_path
    system = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    path = own if os.path.exists(own) else system
    return playwright.chromium.launch(executable_path=path, args=FLAGS, **options)
