"""Fixtures with a real browser; `views.py` and `labs.py` hold the pages that it shows."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browsers import launch
from free_ports import PortBlock
from labs import Lab, Server
from playwright.sync_api import Browser, Error, sync_playwright
from views import BlankPage

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

#: If this environment variable is set, as in CI, a missing browser is a failure.
REQUIRED = "PUSHPULL_BROWSER_REQUIRED"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium: Playwright's own, or the system's."""
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except Error as error:
            remedy = (
                "No browser was found, so the live view was NOT tested. "
                "Run `python -m playwright install chromium`, or install Debian's package chromium."
            )
            if os.environ.get(REQUIRED):
                pytest.fail(f"{remedy}\n{error}", pytrace=False)
            pytest.skip(remedy)
        yield browser
        browser.close()


@pytest.fixture
def blank(browser: Browser) -> Iterator[BlankPage]:
    """A blank page of 900 pixels with the view's module, and no network."""
    page = BlankPage(browser)
    yield page
    page.close()


@pytest.fixture(scope="session")
def modules(browser: Browser) -> Iterator[BlankPage]:
    """A page for tests that call functions of the modules and draw nothing."""
    page = BlankPage(browser)
    yield page
    page.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, port_block: PortBlock) -> Iterator[Server]:
    """A JupyterLab with the notebooks of this repository."""
    server = Server(tmp_path_factory.mktemp("lab"))
    shutil.copytree(NOTEBOOKS, server.folder, dirs_exist_ok=True)
    for path in server.folder.glob("*.ipynb"):
        (notebook,) = port_block.replace_ports(path.read_text(encoding="utf-8"))
        path.write_text(notebook, encoding="utf-8")
    yield server
    server.close()


@pytest.fixture
def open_lab(browser: Browser, server: Server) -> Iterator[Callable[..., Lab]]:
    """Open notebooks in JupyterLab; a request to another host fails the test."""
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
