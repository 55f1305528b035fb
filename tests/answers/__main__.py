"""Check each answer 100 times while other processes keep the machine busy.

`python -m tests.answers [MODULE] [TIMES]`, from the root of the repository.
"""

import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from test_exercises import EXERCISES, answers, title

from pushpull_kit.exercises.engine.harness import Harness

Harness.limit_s = 1.0
defaults = ["", "100"]
arguments = sys.argv[1:]
wanted, times = arguments + defaults[len(arguments) :]
busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
unstable = 0
try:
    for name in [name for name in EXERCISES if name.startswith(wanted)]:
        right = [(answer, "") for answer in (EXERCISES[name].model, *answers(name, "RIGHT"))]
        for answer, reason in right + answers(name, "WRONG"):
            found, began_s, slowest_s = Counter(), time.monotonic(), 0.0
            for _ in range(int(times)):
                start_s = time.monotonic()
                verdict = EXERCISES[name].check(answer)
                slowest_s = max(slowest_s, time.monotonic() - start_s)
                found[verdict.outcome, bool(re.search(reason, verdict.message))] += 1
            expected = "not yet" if reason else "correct"
            unstable += found[expected, True] != int(times)
            mean_s = (time.monotonic() - began_s) / int(times)
            spent = f"mean {mean_s:.3f} s, at most {slowest_s:.3f} s"
            print(f"{name} {title(answer)}: {dict(found)}, {spent}", flush=True)
finally:
    for process in busy:
        process.kill()
        process.wait()
sys.exit(f"{unstable} answers did not get the same verdict each time" if unstable else 0)
