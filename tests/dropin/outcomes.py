"""Run a file of pyzmq's tests with both contexts, and compare which tests pass."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: Where `make dropin` installs what only pyzmq's tests need.
PACKAGES = Path(sys.prefix) / "dropin"

RUN_FILE = Path(__file__).parent / "run_file.py"

#: Maximum time for a file. The longest takes 25 s on two idle cores.
FILE_LIMIT_S = 150

#: How often a file is run, at most. Many of pyzmq's tests depend on timing.
ATTEMPTS = 3

#: Exit codes of pytest when it has run: all passed, some failed, none were found.
REGULAR_EXITS = (0, 1, 5)

#: The name under which the end of a process is listed beside its tests.
END = "end of the process"


@dataclass(frozen=True)
class Outcome:
    """How a test ended: `kind` is "passed", "skipped" or "failed"."""

    kind: str
    reason: str = ""


#: From best to worst.
KINDS = ["passed", "skipped", "failed"]

PASSED = Outcome("passed")
DID_NOT_RUN = Outcome("failed", "did not run")


@dataclass(frozen=True)
class Comparison:
    """The outcomes of a file's tests with pyzmq's `Context` and with the kit's."""

    plain: dict[str, Outcome]
    kit: dict[str, Outcome]

    @property
    def differences(self) -> dict[str, str]:
        """What ends worse with the kit's `Context`, and how."""
        return {
            name: f"{kit.kind}: {kit.reason}"
            for name, (plain, kit) in self._pairs().items()
            if KINDS.index(kit.kind) > KINDS.index(plain.kind)
        }

    @property
    def failed_with_both(self) -> list[str]:
        """What fails on this machine without the kit, too."""
        pairs = self._pairs().items()
        return [name for name, (plain, kit) in pairs if plain.kind == kit.kind == "failed"]

    @property
    def counts(self) -> dict[str, int]:
        """How many tests ended how with the kit's `Context`, and how many of them differ."""
        return Counter(
            "different" if name in self.differences else kit.kind
            for name, (_, kit) in self._pairs().items()
            if "::" in name and not name.endswith(END)
        )

    def _pairs(self) -> dict[str, tuple[Outcome, Outcome]]:
        """Return both outcomes of each test, of the import and of the end of the process."""
        return {
            name: (self.plain.get(name, PASSED), self.kit.get(name, DID_NOT_RUN))
            for name in self.plain | self.kit
        }


def compare(
    file: Path, expected: Collection[str] = (), without: Collection[str] = ()
) -> Comparison:
    """Run a file with both contexts, and again while more tests fail than expected.

    A test counts as passed if it passed in one of at most `ATTEMPTS` runs.

    Args:
        file: a test file, in a folder beside `pytest.ini`.
        expected: names of tests that may differ.
        without: names of tests to leave out.
    """
    result = Comparison({}, {})
    for _ in range(ATTEMPTS):
        result = Comparison(
            _best(result.plain, run(file, "plain", without)),
            _best(result.kit, run(file, "kit", without)),
        )
        if result.differences.keys() <= set(expected) and not result.failed_with_both:
            break
    return result


def _best(one: dict[str, Outcome], other: dict[str, Outcome]) -> dict[str, Outcome]:
    """Return the better outcome of each test in two runs."""
    best = dict(one)
    for name, outcome in other.items():
        if name not in best or KINDS.index(outcome.kind) < KINDS.index(best[name].kind):
            best[name] = outcome
    return best


def run(file: Path, context: str, without: Collection[str] = ()) -> dict[str, Outcome]:
    """Run a file in a process of its own, and return how each of its tests ended.

    Args:
        file: a test file, in a folder beside `pytest.ini`.
        context: "plain" for pyzmq's `Context`, "kit" for the kit's.
        without: names of tests to leave out.
    """
    root = file.parents[1]
    output = root / "output" / f"{file.stem}.{context}.txt"
    output.parent.mkdir(exist_ok=True)
    deselected = [f"--deselect={file.parent.name}/{name}" for name in without]
    with tempfile.TemporaryDirectory() as temporary:
        results = Path(temporary) / "results.jsonl"
        results.touch()
        command = [sys.executable, str(RUN_FILE), context, str(results)]
        command += [str(file.relative_to(root)), "-c", "pytest.ini", "--color=no", *deselected]
        end = _end_of(command, root, output)
        found = _read(results)
    name = f"{file.name}::{END}"
    found[name] = Outcome("failed", f"{end}; see {output}") if end else PASSED
    return found


def _end_of(command: list[str], folder: Path, output: Path) -> str:
    """Run the command. Return how it ended, or "" if it ended as pytest does."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    paths = [str(PACKAGES), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    with output.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # to end the processes that its tests started as well
        )
    try:
        code = process.wait(FILE_LIMIT_S)
    except subprocess.TimeoutExpired:
        return f"hung for {FILE_LIMIT_S} s"
    finally:
        if process.returncode is None:
            _kill(process)
    return "" if code in REGULAR_EXITS else f"exit code {code}"


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process, and on systems that have groups, the processes in its group."""
    with suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _read(results: Path) -> dict[str, Outcome]:
    """Read the results file. A test that started and did not end has failed."""
    found: dict[str, Outcome] = {}
    for line in results.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        name = entry["test"].removeprefix("tests/")
        if entry["phase"] == "start":
            found[name] = Outcome("failed", "did not end")
        elif entry["outcome"] != "passed":
            found[name] = Outcome(entry["outcome"], entry["reason"])
        elif entry["phase"] in ("call", "import"):
            found[name] = PASSED
    return found
