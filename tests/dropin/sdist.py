"""Get the tests of the installed pyzmq out of its source distribution, into build/.

    python tests/dropin/sdist.py

pip downloads the distribution from the index that it is configured for. To know a name and a
version, pip asks the package's build system; that takes seven seconds and builds nothing.
"""

import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
REQUIREMENT = f"pyzmq=={version('pyzmq')}"
FOLDER = ROOT / "build" / REQUIREMENT.replace("==", "-")

#: Maximum time for the download.
LIMIT_S = 180


def download(folder: Path) -> Path:
    """Download the source distribution into the folder, and return its path."""
    options = [
        "--quiet",
        "--disable-pip-version-check",
        "--retries",
        "1",
        "--no-deps",
        "--no-binary",
        "pyzmq",
    ]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder)]
    done = subprocess.run(
        [*command, REQUIREMENT],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
    )
    if done.returncode:
        lines = done.stdout.strip().splitlines() or [f"exit code {done.returncode}"]
        raise OSError(f"pip download: {lines[-1]}")
    (path,) = folder.glob("pyzmq-*.tar.gz")
    return path


def extract(archive: Path, folder: Path) -> None:
    """Write the tests and their configuration into the folder, without the package itself.

    Beside the package, which is not compiled, the tests would import that instead of the installed
    one.
    """
    with tarfile.open(archive) as files:
        for member in files:
            path = Path(*Path(member.name).parts[1:])
            if not member.isfile() or ".." in path.parts:
                continue
            if path == Path("pytest.ini") or path.parts[:1] == ("tests",):
                content = files.extractfile(member)
                assert content is not None
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content.read())


def main() -> int:
    """Get the tests unless they are there; return 0 if they cannot be had, too."""
    if FOLDER.exists():
        return 0
    FOLDER.parent.mkdir(exist_ok=True)
    print(f"Downloading the tests of {REQUIREMENT} into {FOLDER.relative_to(ROOT)}", flush=True)
    try:
        with tempfile.TemporaryDirectory(dir=FOLDER.parent) as temporary:
            new = Path(temporary) / "new"
            extract(download(Path(temporary)), new)
            new.rename(FOLDER)
    except (OSError, ValueError, subprocess.TimeoutExpired, tarfile.TarError) as error:
        print(f"The tests of {REQUIREMENT} cannot be had: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
