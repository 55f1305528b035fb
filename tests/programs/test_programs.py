"""Realistic programs do the same with the kit's `Context` as with pyzmq's.

Each program in this folder is a complete script for pyzmq. It runs twice, in a process of its own:
as it stands, and with the kit's context swapped in where it imports zmq. It must print the same,
raise the same and end with the same exit code. The logs must account for every message.
"""

import json
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import ANY

import pytest

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent

#: How long a program may run; the slowest takes about two seconds on an idle machine.
LIMIT_S = 40

#: The counts of a log that must be right. How a received message is counted is not compared.
CHECKED = ("pushed", "in_flight", "untimed", "refused", "interrupted")


class Program(NamedTuple):
    """A program, what its logs must count, and where it cannot run.

    The counts are sums over all contexts of all its processes. `pushed` counts messages that were
    sent by timed sockets, `untimed` those that came from others, such as another process.
    """

    name: str
    pushed: Any  # an int, or ANY
    in_flight: Any = 0
    untimed: Any = 0
    refused: Any = 0
    interrupted: Any = 0
    posix: bool = False  # whether it needs signals, fork or a selector loop
    needs: str = "zmq"  # a module that it imports
    in_plain: bool = True  # whether it is defined what pyzmq alone does


PROGRAMS = [
    Program("alarm_that_raises", pushed=3, interrupted=1, posix=True),
    Program("alarm_that_sends", pushed=1_024, refused=ANY, posix=True),
    Program("alarm_that_sets_a_flag", pushed=500, posix=True),
    Program("annotated", pushed=3),
    Program("asyncio_beside", pushed=5, in_flight=5, posix=True),
    Program("asyncio_reader", pushed=10, posix=True),
    Program("asyncio_to_thread", pushed=32),
    Program("busy_address", pushed=1),
    Program("context_subclass", pushed=0),
    Program("curve_pair", pushed=1, refused=1),
    Program("daemon_receiver", pushed=3),
    Program("default_options", pushed=1),
    Program("failing_frame", pushed=3, refused=ANY),
    Program("fan_out_fan_in", pushed=24),
    Program("forgotten_socket", pushed=1),
    Program("forwarder", pushed=33),
    Program("gevent_green", pushed=1, in_flight=1, needs="gevent"),
    Program("gevent_patched", pushed=16, needs="gevent"),
    Program("idle_pool_thread", pushed=3),
    Program("inherited_context", pushed=2, untimed=1, posix=True),
    Program("instrumented_class", pushed=5),
    Program("interrupted_receiver", pushed=1, posix=True),
    Program("kept_bound_method", pushed=7),
    Program("latest_only", pushed=11, in_flight=9),
    Program("leftover_sockets", pushed=1, refused=ANY),
    Program("logging_handler", pushed=5),
    Program("mocked_send", pushed=5),
    Program("monitored_socket", pushed=1),
    Program("multiprocessing_fork", pushed=20, in_flight=20, untimed=20, posix=True),
    Program("multiprocessing_spawn", pushed=20, in_flight=20, untimed=20),
    Program("numpy_arrays", pushed=7, refused=ANY),
    Program("observers", pushed=2),
    Program("odd_arguments", pushed=8, refused=ANY),
    Program("other_patterns", pushed=1),
    Program("parallel_pipeline", pushed=240),
    Program("poll_for_output", pushed=4),
    Program("poller_loop", pushed=4),
    Program("pool_behind_lock", pushed=100),
    Program("pool_of_processes", pushed=20, in_flight=20, untimed=20),
    Program("proxy_in_thread", pushed=10),
    Program("queue_of_sockets", pushed=50),
    Program("refused_without_waiting", pushed=10, refused=20_090),
    Program("reused_buffer", pushed=6, in_flight=ANY, untimed=ANY),
    Program("sent_at_exit", pushed=2),
    Program("serialized_objects", pushed=7),
    Program("shadow_context", pushed=3, in_flight=ANY, untimed=ANY),
    Program("shared_instance", pushed=6),
    Program("short_lived_sockets", pushed=2_150),
    Program("socket_constructor", pushed=1),
    Program("term_wakes_receiver", pushed=1),
    Program("term_wakes_sender", pushed=0, interrupted=1),
    Program("terminated_cleanly", pushed=4, posix=True),
    Program("thread_device", pushed=10),
    Program("thread_local_sockets", pushed=30),
    Program("thread_subclass", pushed=6),
    Program("threading_timer", pushed=7),
    Program("timeouts", pushed=1, refused=1),
    Program("two_threads_at_once", pushed=ANY, in_plain=False),
    Program("used_while_blocked", pushed=2, in_plain=False),
    Program("ventilator_and_sink", pushed=20_000, in_flight=20_000, untimed=20_000),
    Program("zero_copy", pushed=5),
    Program("zmqstream_loop", pushed=20, needs="tornado"),
]


class Outcome(NamedTuple):
    """What a program did."""

    printed: list[str]
    exit_code: int | str
    last_error: str  # the last line of standard error


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_program(program: Program, tmp_path: Path):
    """The program does the same with both contexts, and the logs account for every message."""
    if program.posix and sys.platform == "win32":
        pytest.skip("needs POSIX signals, fork or a selector loop")
    if find_spec(program.needs) is None:
        pytest.skip(f"needs {program.needs}")
    source = (FOLDER / f"{program.name}.py").read_text(encoding="utf-8")
    sources = {"swapped": with_swapped_context(source)}
    if program.in_plain:
        sources["plain"] = source
    outcomes = run_all(program.name, sources, tmp_path)
    assert outcomes["swapped"] == outcomes.get("plain", Outcome([], 0, ""))
    check_logs(program, tmp_path / "swapped")


def test_every_program_is_run():
    """The table names each program of this folder."""
    files = {path.stem for path in FOLDER.glob("*.py")} - {"kit_in_place", Path(__file__).stem}
    assert sorted(files) == [program.name for program in PROGRAMS]


def with_swapped_context(source: str) -> str:
    """Return a program in which `zmq.Context` is the kit's from the import on."""
    swapped, count = re.subn(
        r"^import zmq\b(?!\.)", "import zmq; import kit_in_place", source, count=1, flags=re.M
    )
    assert count == 1, "expected a line `import zmq`"
    return swapped


def run_all(name: str, sources: dict[str, str], folder: Path) -> dict[str, Outcome]:
    """Run variants of a program at the same time, each in a subfolder of its own."""
    paths = [folder / variant / f"{name}.py" for variant in sources]
    for path, source in zip(paths, sources.values(), strict=True):
        path.parent.mkdir()
        path.write_text(source, encoding="utf-8")
    with ThreadPoolExecutor(len(paths)) as pool:
        return dict(zip(sources, pool.map(run, paths), strict=True))


def run(path: Path) -> Outcome:
    """Run a program with warnings as errors. End it, and what it has started, after `LIMIT_S`."""
    environment = {
        **os.environ,
        "PROGRAM_LOGS": str(path.parent),
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join([str(FOLDER), str(ROOT)]),
        "PYTHONUTF8": "1",
        "PYTHONWARNINGS": "error",
    }
    with subprocess.Popen(
        [sys.executable, str(path)],
        cwd=path.parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=LIMIT_S)
            code: int | str = process.returncode
        except subprocess.TimeoutExpired:
            kill_with_children(process)
            out, err = process.communicate()
            code = f"did not end within {LIMIT_S} s"
    print(err, file=sys.stderr)  # pytest shows this when the test fails
    return Outcome(out.splitlines(), code, (err.splitlines() or [""])[-1])


def kill_with_children(process: subprocess.Popen[str]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)


def check_logs(program: Program, folder: Path) -> None:
    """Check that each log is conserved, and that their sums are what the program did."""
    logs = [log for path in folder.glob("*.json") for log in json.loads(path.read_text("utf-8"))]
    for log in logs:
        finished = log["handled"] + log["failed"] + log["handling"]
        assert log["pushed"] == finished + log["in_flight"]
        assert log["sending"] == 0
        assert log["working_s"] == 0  # nothing here says when its work on a message is done
    expected = {name: getattr(program, name) for name in CHECKED}
    assert {name: sum(log[name] for log in logs) for name in CHECKED} == expected
