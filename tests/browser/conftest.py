"""A real browser for the tests of this folder; `views.py` has what they drive."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browsers import launch
from labs import Lab, Server
from playwright.sync_api import Browser, Error, sync_playwright
from views import BlankPage

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

#: Set where a missing browser is to be a failure, as in CI.
REQUIRED = "PUSHPULL_BROWSER_REQUIRED"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium: Playwright's own, or the system's."""
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
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


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab with the notebooks of this repository."""
    server = Server(tmp_path_factory.mktemp("lab"))
    shutil.copytree(NOTEBOOKS, server.folder, dirs_exist_ok=True)
    yield server
    server.close()


@pytest.fixture
def open_lab(browser: Browser, server: Server) -> Iterator[Callable[..., Lab]]:
    """Open notebooks in JupyterLab; what asks for something beyond this machine fails the test."""
    labs: list[Lab] = []

    def open_one(notebook: str, *cells: str, **context: Any) -> Lab:
        if cells:
            server.write(notebook, *cells)
        labs.append(Lab(browser, server, notebook, **context))
        return labs[-1]

    yield open_one
    for lab in labs:
        lab.close()
        assert lab.strays == []
        assert lab.problems == []
