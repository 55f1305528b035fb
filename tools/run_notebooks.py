"""Run notebooks from a clean kernel and save them with their outputs.

    python tools/run_notebooks.py [notebook ...]

Without arguments, runs every notebook in notebooks/. Removes what differs between runs and does not
matter to a reader, so that `git diff` shows only real changes. Also saves the picture under a cell
tagged `figure` as notebooks/figures/<notebook>.png, for the top of the notebook and the README.
"""

import base64
import sys
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
CELL_TIMEOUT_S = 120
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


def run(path: Path) -> None:
    """Run one notebook in this Python's own kernel, in the notebook's folder, and save it."""
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    # Without kernel folders, `python3` is always this environment's kernel.
    manager = AsyncKernelManager(
        kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[])
    )
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=CELL_TIMEOUT_S,
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute(cleanup_kc=True)
    normalize(notebook)
    nbformat.validate(notebook)
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
    save_figure(notebook, path.parent / "figures" / f"{path.stem}.png")


def save_figure(notebook: Any, path: Path) -> None:
    """Save the picture under the cell that is tagged `figure`, if there is one."""
    for cell in notebook.cells:
        if "figure" in cell.metadata.get("tags", []):
            (picture,) = (o.data["image/png"] for o in cell.outputs if "image/png" in o.data)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(base64.b64decode(picture))


def normalize(notebook: Any) -> None:
    """Keep the outputs; remove versions, times, trust marks and widget state."""
    notebook.metadata = nbformat.from_dict(METADATA)  # type: ignore[no-untyped-call]
    for cell in notebook.cells:
        for key in ("execution", "trusted"):
            cell.metadata.pop(key, None)
        if cell.cell_type == "code":
            cell.outputs = join_streams(cell.outputs)
            for output in cell.outputs:
                # Without widget state a view shows nothing, and its model id is random.
                output.get("data", {}).pop(WIDGET_VIEW, None)


def join_streams(outputs: list[Any]) -> list[Any]:
    """Join adjacent outputs of the same stream, because a kernel splits text at random."""
    joined: list[Any] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if (
            last is not None
            and output.output_type == last.output_type == "stream"
            and output.name == last.name
        ):
            last.text += output.text
        else:
            joined.append(output)
    return joined


def main(arguments: list[str]) -> int:
    """Run the given notebooks, or all; print which one failed and where."""
    paths = [Path(argument) for argument in arguments] or sorted(NOTEBOOKS.glob("*.ipynb"))
    if not paths:
        print(f"no notebook found in {NOTEBOOKS.name}/", file=sys.stderr)
        return 1
    for path in paths:
        print(f"{path.name} ...", flush=True)
        try:
            run(path)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            print(f"{path.name} failed and was not saved:\n{error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
