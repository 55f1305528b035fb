"""Run the notebooks many times while all cores are busy, and report what is not always the same.

    python tests/stress/flake.py [--seed N] [rounds [notebook or folder ...]]

Without arguments, runs 20 rounds of every notebook in notebooks/. Each round uses another order of
the notebooks, because each must run alone. Keeps the output of a failed round in build/flake/.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build" / "flake"
ROUNDS = 20

#: A round takes about two minutes on busy cores. A round that takes this long hangs.
ROUND_LIMIT_S = 900
#: Maximum time an interrupted pytest may take to end its kernel and to report where it was.
GRACE_S = 30

# Exits when its standard input is closed, which also happens when its parent is killed.
BUSY = """
import os, signal, sys, threading
signal.signal(signal.SIGINT, signal.SIG_IGN)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
while True:
    pass
"""


@dataclass(frozen=True)
class Round:
    """The results of the cells in one round; `trouble` lists why it was not clean."""

    passed: int
    failed: int
    skipped: int
    duration_s: float
    trouble: tuple[str, ...]

    @property
    def run(self) -> int:
        """Return the number of cells that ran."""
        return self.passed + self.failed


@contextmanager
def busy_cores() -> Iterator[int]:
    """Keep every core busy; yield how many there are."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(os.cpu_count() or 1):
            processes.append(subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE))
        yield len(processes)
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.communicate()


def play(paths: Sequence[Path], name: str) -> Round:
    """Run pytest on the notebooks in this order; keep its output unless all cells pass."""
    said, found = KEPT / f"{name}.txt", KEPT / f"{name}.xml"
    options = ["-c", "pyproject.toml", "-p", "no:cacheprovider", "--color=no"]
    command = [sys.executable, "-m", "pytest", *options, f"--junitxml={found}", *map(str, paths)]
    start_s = time.monotonic()
    with said.open("wb") as file:
        code = bounded(subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file))
    outcome = read(found, code, time.monotonic() - start_s)
    if not outcome.trouble:
        said.unlink()
    found.unlink(missing_ok=True)
    return outcome


def bounded(process: "subprocess.Popen[bytes]") -> int | None:
    """Wait for the process; return its exit code, or None if it hung and was ended."""
    try:
        return process.wait(ROUND_LIMIT_S)
    except subprocess.TimeoutExpired:
        # On an interrupt, pytest ends its kernel and reports where it was. On Windows a process can
        # only be terminated.
        process.send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGINT)
        return None
    finally:
        try:
            process.wait(GRACE_S)  # Ctrl-C interrupts both processes
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def read(found: Path, code: int | None, duration_s: float) -> Round:
    """Read the results of the cells from pytest's report; check its exit code."""
    passed = failed = skipped = 0
    trouble = [f"hung: ended after {ROUND_LIMIT_S} s"] if code is None else []
    if found.exists():
        for case in ElementTree.parse(found).iter("testcase"):
            if (bad := case.find("failure")) is not None or (bad := case.find("error")) is not None:
                failed += 1
                why = (bad.text or bad.get("message") or "").strip().partition("\n")[0]
                trouble.append(f"{case.get('classname')}, {case.get('name')}: {why}")
            elif case.find("skipped") is not None:
                skipped += 1
            else:
                passed += 1
    if code and not trouble:
        trouble.append(f"pytest ended with exit code {code}")
    return Round(passed, failed, skipped, duration_s, tuple(trouble))


def notebooks(paths: Sequence[Path]) -> list[Path]:
    """Return the given notebooks, and those in the given folders."""
    found = [sorted(path.glob("*.ipynb")) if path.is_dir() else [path] for path in paths]
    return [path.resolve() for some in found for path in some]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds and print a line each; return 1 unless all are clean and equally long."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("rounds", nargs="?", type=int, default=ROUNDS)
    parser.add_argument("paths", nargs="*", type=Path, default=[ROOT / "notebooks"])
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10_000), help="seed of the orders"
    )
    given = parser.parse_intermixed_args(arguments)
    paths = notebooks(given.paths)
    if given.rounds < 1 or not paths:
        parser.error("expected at least one round of at least one notebook")
    for old in KEPT.glob("round_*"):
        old.unlink()
    KEPT.mkdir(parents=True, exist_ok=True)
    with busy_cores() as busy:
        print(
            f"{given.rounds} times {len(paths)} notebooks, each time in another order"
            f" (--seed {given.seed}), beside {busy} busy processes",
            flush=True,
        )
        played: list[Round] = []
        with suppress(KeyboardInterrupt):
            for it in rounds(given.rounds, paths, given.seed):
                played.append(it)
    return verdict(played, given.rounds)


def rounds(count: int, paths: Sequence[Path], seed: int) -> Iterator[Round]:
    """Run the rounds one after the other; print and yield each result."""
    passed = failed = 0
    for number in range(1, count + 1):
        order = random.Random(f"{seed} {number}").sample(paths, len(paths))
        it = play(order, f"round_{number:02}")
        passed, failed = passed + it.passed, failed + it.failed
        print(
            f"round {number:2}: {it.passed} passed, {it.failed} failed, {it.skipped} skipped in"
            f" {it.duration_s:.0f} s; so far {passed:,} passed, {failed:,} failed",
            *(f"    {trouble}" for trouble in it.trouble),
            sep="\n",
            flush=True,
        )
        yield it


def verdict(played: Sequence[Round], wanted: int) -> int:
    """Print the result of all rounds in a sentence; return the exit code."""
    cells = sum(it.run for it in played)
    bad = [n for n, it in enumerate(played, 1) if it.trouble]
    short = [n for n, it in enumerate(played, 1) if it.run < played[0].run]
    if bad:
        print(f"Not clean: {listed(bad)} of {len(played)}. Their output is in {KEPT}.")
    if short:
        print(f"Fewer cells than in the first round were run in {listed(short)}.")
    if len(played) < wanted:
        print(f"Interrupted after {len(played)} of {wanted} rounds.")
    elif not bad and not short:
        print(f"Clean: {cells:,} cells were run and none failed, rounds: {len(played)}.")
    return 1 if bad or short or len(played) < wanted else 0


def listed(numbers: Sequence[int]) -> str:
    """Return the numbers of rounds as words."""
    return f"round{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"


if __name__ == "__main__":
    sys.exit(main())
