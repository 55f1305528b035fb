"""Which message is at a point, and which instant is the next: `pick.js`."""

from logs import BLOG, log, received
from views import SCENE, all_batches


def ask(modules, timings, code):
    return modules.module("pick", SCENE + code, all_batches(timings))


def test_the_message_at_a_point(modules):
    """A bar is found by its place, and a message in a stripe by its time."""
    code = """const found = scene();
    const middle = (one) => (one.top + one.bottom) / 2;
    const [sender, worker] = [lane(found, 'sender'), lane(found, 'worker')];
    const pick = (x, y) => it.pick(log, found, x, y);
    return [pick(300, middle(worker)), pick(1, middle(sender)) !== null,
      pick(300, middle(sender)), pick(300, 9999)]"""
    assert ask(modules, log(BLOG), code) == [1, True, None, None]


def test_the_next_instant(modules):
    """Stepping visits each call, return, receipt and end once, and then there is none."""
    code = """let now = -Infinity; let count = 0;
    for (;;) {
      const next = it.nextInstant(log, now);
      if (next === null) return count;
      now = next;
      count += 1;
    }"""
    # 0.1, 0.2, 0.3 are both an end and a beginning, or are not; 2000 and 4000 are an end only.
    assert ask(modules, log(BLOG), code) == len(
        {instant for message in BLOG for instant in message}
    )


def test_a_mark_of_a_receipt_is_found(modules):
    """A receipt is found at its mark, and not after it."""
    code = """const found = scene(log.start, log.start + 6e9, log.start + 6e9);
    const one = lane(found, 'worker'); const y = (one.top + one.bottom) / 2;
    return [it.pick(log, found, 201, y), it.pick(log, found, 300, y)]"""
    assert ask(modules, received([(0, 1, 2000)]), code) == [0, None]
