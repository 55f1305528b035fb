"""In a real kernel, prints stay under their cell, Interrupt works, and nothing leaks or hangs."""

import queue
import time
from contextlib import suppress

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from jupyter_core.utils import ensure_event_loop
from test_project_files import NOTEBOOKS

TIMEOUT_S = 60

SETUP = """
import threading, time, zmq
from pushpull_kit import Worker, fresh_context
context = fresh_context()
sender = context.socket(zmq.PUSH)
sender.bind("inproc://jobs")
"""

COUNTS = """
import gc, psutil, threading, time, zmq
gc.collect()
print(
    threading.active_count(),
    sum(isinstance(it, zmq.Socket) and not it.closed for it in gc.get_objects()),
    getattr(psutil.Process(), "num_fds", psutil.Process().num_threads)(),  # not on Windows
)
"""


def counts(kernel):
    """Return the numbers of threads, open sockets and descriptors of a kernel."""
    return [int(number) for number in kernel.run(COUNTS)[1].split()]


class Kernel:
    """A kernel of this environment, with a client like JupyterLab's."""

    def __init__(self):
        manager = KernelSpecManager(kernel_dirs=[])
        self.manager = KernelManager(kernel_name="python3", kernel_spec_manager=manager)
        self.manager.start_kernel()
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=TIMEOUT_S)
        self.printed = {}

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    def start(self, code):
        """Run a cell without waiting for it; return its id."""
        return self.client.execute(code, store_history=True)

    def interrupt(self, cell):
        """Interrupt the cell, several times if needed; return the name of its error, or None."""
        for _ in range(10):
            self.manager.interrupt_kernel()
            with suppress(queue.Empty):
                return self.finish(cell, timeout_s=3)
        pytest.fail("the cell ignores Interrupt")

    def finish(self, cell, timeout_s=TIMEOUT_S):
        """Wait until the cell has ended; return the name of its error, or None."""
        error = None
        while True:
            message = self.client.get_iopub_msg(timeout=timeout_s)
            self.note(message)
            if message["parent_header"].get("msg_id") != cell:
                continue
            if message["msg_type"] == "error":
                error = message["content"]["ename"]
            elif message["content"].get("execution_state") == "idle":
                return error

    def note(self, message):
        if message["msg_type"] == "stream":
            cell = message["parent_header"].get("msg_id")
            self.printed[cell] = self.printed.get(cell, "") + message["content"]["text"]

    def run(self, code):
        """Run a cell; return its id and what it printed until it ended."""
        cell = self.start(code)
        error = self.finish(cell)
        assert error is None, error
        return cell, self.printed.get(cell, "")

    def wait_for(self, cell, text):
        """Wait until the text is printed under a cell, which may have ended."""
        deadline_s = time.monotonic() + TIMEOUT_S
        while text not in self.printed.get(cell, ""):
            try:
                self.note(self.client.get_iopub_msg(timeout=deadline_s - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"{text!r} was not printed under its cell: {self.printed}")


@pytest.fixture(scope="module", autouse=True)
def _jupyters_loop():
    """Create jupyter_client's event loop, one per process, before a test can appear to leak it."""
    loop = ensure_event_loop()
    yield
    if not loop.is_running():  # otherwise it is Playwright's, and Playwright closes it
        loop.close()


@pytest.fixture(scope="module")
def shared_kernel(_jupyters_loop):
    kernel = Kernel()
    yield kernel
    kernel.close()


@pytest.fixture
def kernel(shared_kernel):
    """A kernel with a new context and a PUSH bound to inproc://jobs."""
    shared_kernel.run(SETUP)
    return shared_kernel


def test_prints_stay_under_the_cell_that_started_the_worker(kernel):
    """A handler prints under the cell that started its worker, not under the latest cell."""
    start, _ = kernel.run(
        "worker = Worker(print, connect='inproc://jobs', context=context).start()"
    )
    push, _ = kernel.run("sender.send_string('from the worker'); worker.wait(1)")
    kernel.wait_for(start, "from the worker")
    assert "from the worker" not in kernel.printed.get(push, "")


def test_a_replaced_worker_prints_under_the_new_cell(kernel):
    """After a second run of the starting cell, the handler prints under that run."""
    code = "worker = Worker(print, connect='inproc://jobs', context=context).start()"
    first, _ = kernel.run(code)
    second, _ = kernel.run(code)
    kernel.run("sender.send_string('moved'); worker.wait(1)")
    kernel.wait_for(second, "moved")
    assert "moved" not in kernel.printed.get(first, "")


def test_interrupt_during_a_blocked_send(kernel):
    """Interrupt ends a send that waits for a peer, and the kernel still works."""
    kernel.run(
        "def report():\n"
        "    while not context.timings.summary().sending: time.sleep(0.001)\n"
        "    print('blocked', flush=True)\n"
        "reporter = threading.Thread(target=report)"
    )
    cell = kernel.start("reporter.start(); sender.send(b'x')")
    kernel.wait_for(cell, "blocked")
    assert kernel.interrupt(cell) == "KeyboardInterrupt"
    _, text = kernel.run("print(context.timings.summary().interrupted)")
    assert text == "1\n"


def test_interrupt_during_wait(kernel):
    """Interrupt ends `Worker.wait`."""
    kernel.run("worker = Worker(print, connect='inproc://jobs', context=context).start()")
    cell = kernel.start("print('waiting', flush=True); worker.wait(1, timeout=1000)")
    kernel.wait_for(cell, "waiting")
    assert kernel.interrupt(cell) == "KeyboardInterrupt"


def test_cells_may_be_run_again_on_a_fixed_port(kernel):
    """Set-up, bind and worker cells can each run again without an `Address already in use`."""
    _, text = kernel.run(
        "probe = zmq.Context(); s = probe.socket(zmq.PULL)\n"
        "print(s.bind_to_random_port('tcp://127.0.0.1'))\n"
        "probe.destroy()"
    )
    address = f"tcp://127.0.0.1:{text.strip()}"
    bind = f"sender = context.socket(zmq.PUSH)\nsender.bind({address!r})\nprint('bound')"
    work = f"worker = Worker(print, connect={address!r}, context=context).start()"
    push = "sender.send_string('x'); worker.wait(1)"
    for cells in ([SETUP, bind, work, push], [bind, push.replace("(1)", "(2)")], [work, push]) * 3:
        for code in cells:
            kernel.run(code)


def test_a_handler_that_calls_sys_exit_leaves_the_kernel_alive(kernel):
    """`sys.exit()` in a handler fails only the message being handled."""
    _, text = kernel.run(
        "import sys\n"
        "worker = Worker(lambda t: sys.exit(1), connect='inproc://jobs', context=context).start()\n"
        "sender.send_string('x'); worker.wait(1)\n"
        "print(worker.running, context.timings.summary().failed)"
    )
    assert "True 1\n" in text


def test_restart_with_messages_pending():
    """A kernel with a hung worker and queued messages shuts down by itself and restarts soon."""
    kernel = Kernel()
    try:
        kernel.run(SETUP)
        kernel.run(
            "def hang(text): time.sleep(3600)\n"
            "worker = Worker(hang, connect='inproc://jobs', context=context).start()\n"
            "for i in range(500): sender.send(b'x')\n"
            "nobody = context.socket(zmq.PUSH)\n"
            "nobody.connect('tcp://127.0.0.1:9')\n"
            "for i in range(500): nobody.send(bytes(10_000))"
        )
        # jupyter_client kills a kernel that is still running after this time.
        kernel.manager.shutdown_wait_time = 30
        began_s = time.monotonic()
        kernel.manager.restart_kernel()
        assert time.monotonic() - began_s < 15
        kernel.client.wait_for_ready(timeout=TIMEOUT_S)
        assert kernel.run("print('alive')")[1] == "alive\n"
    finally:
        kernel.close()


def test_running_notebook_01_fifty_times_leaks_nothing(port_block):
    """After fifty runs there are as many threads, sockets and descriptors as after one."""
    path = next(path for path in NOTEBOOKS if path.name.startswith("01_"))
    notebook = nbformat.read(path, as_version=4)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert sum("JOB_S = 2 " in code for code in cells) == 1
    replacements = {"JOB_S = 2 ": "JOB_S = 0.01 ", "(0.001, 0.02)": "(0.0001, 0.001)"}
    for long, short in replacements.items():
        cells = [code.replace(long, short) for code in cells]
    cells = port_block.replace_ports(*cells)
    kernel = Kernel()
    try:
        for code in cells:
            kernel.run(code)
        once = counts(kernel)
        for _ in range(50):
            for code in cells:
                kernel.run(code)
        # ipykernel keeps a socket for each thread that printed. Every ten seconds it closes the
        # sockets of threads that have ended.
        deadline_s = time.monotonic() + 40
        while any(now > then for now, then in zip(counts(kernel), once, strict=True)):
            assert time.monotonic() < deadline_s, f"{counts(kernel)} after one run: {once}"
            kernel.run("time.sleep(0.5)")
    finally:
        kernel.close()
