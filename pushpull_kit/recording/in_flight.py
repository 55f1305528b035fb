"""Computes the number of messages in flight over time, from the rows of a log."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .messages import REFUSED


def in_flight_steps(rows: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the instants (ns) at which the number of messages in flight changes, and the numbers.

    A message is in flight from the return of its send until a worker receives it. If the worker
    receives it before the send returns, it is in flight for no time at all.

    Args:
        rows: messages as `Timings.rows` returns them.
    """
    accepted = rows[(rows["sender"] > 0) & (rows["send_end_ns"] > 0) & (rows["outcome"] < REFUSED)]
    is_received = accepted["recv_ns"] > 0
    received = accepted["recv_ns"][is_received]
    enters = accepted["send_end_ns"].copy()
    enters[is_received] = np.minimum(enters[is_received], received)
    instants, index = np.unique(np.concatenate((enters, received)), return_inverse=True)
    changes = np.zeros(len(instants), np.int64)
    np.add.at(changes, index, np.repeat((1, -1), (len(enters), len(received))))
    return instants, np.cumsum(changes)
