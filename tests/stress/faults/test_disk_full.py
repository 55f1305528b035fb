"""An export to a full disk fails and leaves the log intact."""

import json
import os
import sys

import pytest
import zmq
from faults import counts

from pushpull_kit import Worker

FULL = "/dev/full"

#: Exports into a file limited to 64 kB, and reports the result.
LIMITED = """
    import resource, zmq
    from pushpull_kit import Context
    context = Context()
    pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    pull.bind("inproc://full")
    push.connect("inproc://full")
    for number in range(1_000):
        push.send_string(str(number))
    for number in range(1_000):
        pull.recv()
    before = context.timings.summary(), context.timings.messages()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, hard))
    try:
        context.timings.to_chrome_trace(sys.argv[1])
    except OSError as error:
        said = f"OSError: {error.strerror}"
    else:
        said = "nothing"
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    pull.poll(0)
    after = context.timings.summary(), context.timings.messages()
    context.timings.to_chrome_trace(sys.argv[2])
    say({
        "said": said,
        "pushed": [before[0].pushed, after[0].pushed],
        "handled": [before[0].handled, after[0].handled],
        "same": before[1][:-1] == after[1][:-1],
    })
    context.destroy(linger=0)
"""


@pytest.fixture
def handled(context):
    """A context whose worker has handled a thousand messages and still runs."""
    with Worker(lambda text: None, bind="tcp://127.0.0.1:*", context=context) as worker:
        push = context.socket(zmq.PUSH)
        push.connect(worker.endpoint)
        for number in range(1_000):
            push.send_string(str(number))
        worker.wait(1_000)
        yield context, worker, push


@pytest.mark.skipif(not os.path.exists(FULL), reason="only Linux and some BSDs have /dev/full")
@pytest.mark.parametrize("count", [0, 1_000])
def test_a_full_disk_leaves_the_log_whole(context, handled, tmp_path, count):
    """`to_chrome_trace` to a full disk raises OSError for a long log and for an empty one; the log
    stays intact, ingests new messages, and can be exported to another disk."""
    context, worker, push = handled
    if not count:
        context.timings.clear()
    before = context.timings.messages()
    assert len(before) == count
    with pytest.raises(OSError, match="No space left"):
        context.timings.to_chrome_trace(FULL)
    assert context.timings.messages() == before
    push.send(b"next")
    worker.wait(1_001)
    assert counts(context.timings.summary()) == {"pushed": count + 1, "handled": count + 1}
    context.timings.to_chrome_trace(tmp_path / "trace.json")
    assert slices(tmp_path / "trace.json", "handle") == count + 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")
def test_a_file_that_may_not_grow_leaves_the_log_whole(child, tmp_path):
    """An export that fails in the middle raises OSError, and the next export is complete."""
    process = child(LIMITED, tmp_path / "cut.json", tmp_path / "whole.json")
    assert process.hear() == {
        "said": "OSError: File too large",
        "pushed": [1_000, 1_000],
        "handled": [1_000, 1_000],
        "same": True,
    }
    assert (tmp_path / "cut.json").stat().st_size == 65_536
    assert slices(tmp_path / "whole.json", "receive") == 1_000


def slices(path, name):
    """Return the number of slices of this name in a trace."""
    events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    return sum(event["name"] == name for event in events)
