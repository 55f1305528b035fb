"""The machine and the versions, without anything that identifies the machine."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import zmq

PACKAGES = ("redis", "ipyparallel", "distributed")


def described() -> dict[str, object]:
    """Return the date, the machine and the versions."""
    versions = {
        "python": platform.python_version(),
        "pyzmq": zmq.__version__,
        "libzmq": zmq.zmq_version(),
        "redis-server": _redis_server(),
    }
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "system": _system()},
        "versions": versions,
    }


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and (found := re.search(r"model name\s*: (.*)", cpuinfo.read_text())):
        return found[1].strip()
    return platform.processor() or platform.machine()


def _system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = f"{platform.system()} {platform.release()}"
    return f"{name}, {platform.machine()}"


def _redis_server() -> str | None:
    server = shutil.which("redis-server")
    if server is None:
        return None
    told = subprocess.run((server, "--version"), capture_output=True, text=True, timeout=10).stdout
    found = re.search(r"v=([\d.]+)", told)
    return found[1] if found else None
