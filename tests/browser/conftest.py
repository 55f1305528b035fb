"""A real browser for the tests of this folder; `views.py` has what they drive."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, sync_playwright
from views import BlankPage

#: Set where a missing browser is to be a failure, as in CI.
REQUIRED = "PUSHPULL_BROWSER_REQUIRED"

#: As root, and where /dev/shm is small, Chromium needs these; the others keep it from calling home.
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium: Playwright's own, or the system's."""
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        system = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
        path = own if os.path.exists(own) else system
        try:
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        except Error as error:
            remedy = (
                "No browser was found, so what a person would see and press was NOT tested. "
                "Get one: `python -m playwright install chromium`, or Debian's package chromium."
            )
            if os.environ.get(REQUIRED):
                pytest.fail(f"{remedy}\n{error}", pytrace=False)
            pytest.skip(remedy)
        yield browser
        browser.close()


@pytest.fixture
def blank(browser: Browser) -> Iterator[BlankPage]:
    """A blank page of 900 pixels in which the view's module is loaded; nothing else answers."""
    page = BlankPage(browser)
    yield page
    page.close()


@pytest.fixture(scope="session")
def modules(browser: Browser) -> Iterator[BlankPage]:
    """A page for the parts that know no page: what they export is called, nothing is drawn."""
    page = BlankPage(browser)
    yield page
    page.close()
