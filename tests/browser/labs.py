"""A real JupyterLab server with its own folders, and a notebook open in a browser."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, Error, Page

#: Maximum time that the server, a kernel or a page may take on a busy machine.
PATIENCE_S = 90


class Server:
    """A JupyterLab server on a free port of 127.0.0.1.

    Whoever has its token can run code as the user of the tests. Other users of the machine can read
    the flags of a process, but not its environment.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "notebooks"
        self.folder.mkdir()
        self.token = secrets.token_hex(16)
        home = folder / "home"
        settings = home / "config" / "labconfig"
        settings.mkdir(parents=True)
        news = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}
        (settings / "default_setting_overrides.json").write_text(json.dumps(news))
        self.environment = {
            **os.environ,
            "HOME": str(home),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_TOKEN": self.token,
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        self.log = folder / "server.log"
        # Another process may take the free port before the server does. Then try another port.
        if not any(self._start() for _ in range(3)):
            raise RuntimeError(f"JupyterLab does not start: {self.log.read_text()[-3000:]}")

    def _start(self) -> bool:
        """Start the server on a free port; return whether it answers."""
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        flags = [
            "--no-browser",
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={self.folder}",
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.news_url=",
        ]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *flags],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        status = urllib.request.Request(
            f"{self.url}/api/status", headers={"Authorization": f"token {self.token}"}
        )
        deadline_s = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and time.monotonic() < deadline_s:
            with suppress(OSError, HTTPException):
                urllib.request.urlopen(status, timeout=5).close()
                return True
            time.sleep(0.1)
        self.close()
        return False

    def close(self) -> None:
        """Stop the server and its kernels."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def write(self, name: str, *cells: str) -> str:
        """Write a notebook of these code cells into the server's folder; return its name."""
        notebook = nbformat.v4.new_notebook()
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
        notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
        nbformat.write(notebook, self.folder / name)
        return name


class Lab:
    """A notebook open in JupyterLab in a real browser."""

    def __init__(self, browser: Browser, server: Server, notebook: str, **context: Any) -> None:
        self.server = server
        size = {"width": 1280, "height": 1000}
        self.context = browser.new_context(viewport=size, **context)
        self.context.set_default_timeout(PATIENCE_S * 1000)
        self.page: Page = self.context.new_page()
        self.strays: list[str] = []
        self.problems: list[str] = []
        self.page.on("pageerror", self._complain)
        self.page.on("request", self._note)
        self.open(notebook)

    def _complain(self, error: Exception) -> None:
        if "Canceled future" not in str(error):  # JupyterLab raises this when a kernel restarts
            self.problems.append(str(error))

    def _note(self, request: Any) -> None:
        if not request.url.startswith((self.server.url, "blob:", "data:", "ws://127.0.0.1")):
            self.strays.append(request.url)

    def open(self, notebook: str) -> None:
        """Open a notebook, and wait until its kernel is idle."""
        token = self.server.token  # from then on, a cookie replaces it
        self.page.goto(f"{self.server.url}/lab/tree/{notebook}?reset&token={token}")
        self.page.wait_for_function("() => window.jupyterapp?.restored")
        self.page.evaluate("() => window.jupyterapp.restored")
        self.page.locator(".jp-Notebook").wait_for()
        self.page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status"
            " === 'idle'"
        )

    def close(self) -> None:
        """Close the page and shut down its kernel."""
        with suppress(Error):  # a test may have ended the kernel
            self.page.evaluate(
                "() => window.jupyterapp.shell.currentWidget?.sessionContext?.shutdown?.()"
            )
        self.context.close()

    def command(self, name: str) -> None:
        """Run a menu command without waiting for its effect."""
        self.page.evaluate("(name) => { window.jupyterapp.commands.execute(name); }", name)

    def ask(self, code: str) -> str:
        """Run code in the kernel outside of any cell; return what it prints."""
        return self.page.evaluate(
            """async (code) => {
              const widget = window.jupyterapp.shell.currentWidget;
              const future = widget.sessionContext.session.kernel.requestExecute(
                { code, store_history: false });
              let text = "";
              future.onIOPub = (message) => {
                if (message.header.msg_type === "stream") text += message.content.text;
                if (message.header.msg_type === "error") text += message.content.ename;
              };
              await future.done;
              return text;
            }""",
            code,
        )

    def run_all(self, patience_s: float = PATIENCE_S) -> None:
        """Run all cells with the menu's command, and wait until the last has ended."""
        self.command("notebook:run-all-cells")
        self.wait_until_done(patience_s)

    def wait_until_done(self, patience_s: float = PATIENCE_S) -> None:
        """Wait until every code cell has run, including cells that are not on the screen."""
        self.page.wait_for_function(
            """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
              .every((it) => it.type !== 'code' || !it.sharedModel.getSource().trim() ||
                (it.executionCount !== null && it.executionState === 'idle'))""",
            timeout=patience_s * 1000,
        )

    def errors(self) -> list[str]:
        """The errors in the outputs of all cells."""
        return self.page.evaluate(  # type: ignore[no-any-return]
            """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
              .filter((it) => it.type === 'code')
              .flatMap((it) => it.outputs.toJSON())
              .filter((it) => it.output_type === 'error')
              .map((it) => `${it.ename}: ${it.evalue}`)"""
        )


def wait_for(lab: Lab, text: str, part: str = "headline") -> None:
    """Wait until a live view in the page shows a text."""
    lab.page.wait_for_function(
        "([part, text]) => [...document.querySelectorAll(`.pp-${part}`)]"
        ".some((it) => it.textContent.includes(text))",
        arg=[part, text],
    )
