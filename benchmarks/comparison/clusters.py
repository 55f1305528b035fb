"""Lines through a scheduler: ipyparallel with one engine, dask.distributed with one worker."""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from .line import LIMIT_S, Line, count, needed, take_count
from .processes import running

# Code for the engine, which may be unable to import this package.
ON_ENGINE = """
counted = 0

def count(message):
    global counted
    counted += 1

def take_count():
    global counted
    told, counted = counted, 0
    return told
"""


@contextmanager
def ipyparallel_engine(size: int) -> Iterator[Line]:
    """A controller and one engine, not a `Cluster`, which leaves processes behind on Ctrl-C."""
    ipyparallel = needed("ipyparallel")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:

        def program(name: str) -> tuple[str, ...]:
            return (sys.executable, "-m", f"ipyparallel.{name}", f"--profile-dir={folder}")

        with (
            running(*program("controller"), until="Task scheduler started"),
            running(*program("engine"), until="Completed registration"),
            ipyparallel.Client(f"{folder}/security/ipcontroller-client.json") as client,
        ):
            client.wait_for_engines(1, timeout=LIMIT_S)
            view = client[0]
            view.execute(ON_ENGINE, block=False).get(LIMIT_S)
            remote_count = ipyparallel.Reference("count")
            remote_take = ipyparallel.Reference("take_count")

            def finish() -> int:
                return int(view.apply_async(remote_take).get(LIMIT_S))

            yield Line(partial(view.apply_async, remote_count), finish, bytes(size))


@contextmanager
def dask_worker(size: int) -> Iterator[Line]:
    """A local cluster of one worker process with one thread."""
    distributed = needed("distributed")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        needed("dask").config.set({"temporary-directory": folder}),
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=logging.ERROR,
        ) as cluster,
        distributed.Client(cluster, timeout=LIMIT_S) as client,
    ):
        futures: list[Any] = []  # dask cancels a task when its future is deleted

        def put(message: bytes) -> None:
            futures.append(client.submit(count, message, pure=False))

        def finish() -> int:
            distributed.wait(futures, LIMIT_S)
            futures.clear()
            return int(client.submit(take_count, pure=False).result(LIMIT_S))

        yield Line(put, finish, bytes(size))
