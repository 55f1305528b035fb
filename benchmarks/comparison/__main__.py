"""Measure all contenders, or the named ones. Print a table, write the JSON and the figure."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from . import figure, report
from .contenders import kit, ways
from .measure import FULL, QUICK, row

HERE = Path(__file__).parent.parent


def main() -> int:
    """Return 1 if a contender failed. A skipped contender is not a failure."""
    parser = argparse.ArgumentParser("python -m benchmarks.comparison", description=__doc__)
    parser.add_argument("names", nargs="*", help="measure only what has one of these in its name")
    parser.add_argument("--quick", action="store_true", help="half a minute, and rough figures")
    parser.add_argument("--out", type=Path, help="the folder for comparison.json and .png")
    parser.add_argument("--draw", action="store_true", help="measure nothing; draw the JSON anew")
    asked = parser.parse_args()
    # A partial or a quick measurement does not overwrite the files in the repository.
    default = Path("build") if asked.quick or asked.names else HERE
    folder: Path = asked.out or default
    path = folder / "comparison.json"
    if asked.draw:
        result = json.loads(path.read_text("utf-8"))
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # stop the started programs first
        chosen = [
            contender
            for contender in (*ways(), *kit())
            if not asked.names or any(name in contender.name for name in asked.names)
        ]
        plan, rows = QUICK if asked.quick else FULL, []
        for number, contender in enumerate(chosen, 1):
            told = f"{number}/{len(chosen)} {contender.name} > {contender.to}"
            print(told, file=sys.stderr, flush=True)
            rows.append(row(contender, plan))
        result = report.result(rows, plan)
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(report.table(result))
    figure.draw(result).savefig(folder / "comparison.png")
    return 1 if any(row["failed"] for row in result["rows"]) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted; all that was started is stopped")
