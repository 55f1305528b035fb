"""The block of bytes of a batch: `columns.js`."""

import numpy as np

from pushpull_kit.spec import BATCH_COLUMNS


def test_a_message_has_as_many_bytes_as_the_kernel_sends(modules):
    """The page reads as many bytes per message as the kernel sends."""
    width = sum(np.dtype(kind).itemsize for _, kind in BATCH_COLUMNS)
    assert modules.module("columns", "return it.ROW_BYTES") == width
