"""Which instant lies at which pixel, and how times are written: `axis.js`, with no canvas."""

import pytest

from pushpull_kit.recording.units import duration


def run(modules, code, argument=None):
    return modules.module("axis", code, argument)


def test_a_linear_axis_is_even(modules):
    """The middle of the window is at the middle pixel, and back."""
    assert run(modules, "const a = new it.Axis(0, 2e9, 800); return [a.px(1e9), a.at(400)]") == [
        400,
        1e9,
    ]


def test_a_logarithmic_axis_has_a_true_zero(modules):
    """Zero lies at the left edge, and each decade above a microsecond is as wide as the next."""
    px = run(
        modules,
        "const a = new it.Axis(0, 1e9, 800, 0); return [0, 1e4, 1e5, 1e6, 1e9].map(t => a.px(t))",
    )
    assert px[0] == 0
    assert px[-1] == pytest.approx(800)
    assert px[2] - px[1] == pytest.approx(px[3] - px[2], rel=0.05)


@pytest.mark.parametrize("origin", ["null", "0"])
def test_a_reader_agrees_with_the_axis(modules, origin):
    """The quick way to pixels gives what the axis gives, to a tenth of a pixel, for any order."""
    far = run(
        modules,
        f"""const a = new it.Axis(1e5, 1e9, 800, {origin}); const read = a.reader();
        let far = 0;
        for (let i = 0; i < 20000; i += 1) {{
          const t = 1e5 + ((i * 7919) % 20000) / 20000 * (1e9 - 1e5);
          far = Math.max(far, Math.abs(read(t) - a.px(t)));
        }}
        return [far, read(NaN), read(2e9) > 800, read(0) <= 0];""",
    )
    assert far[0] < 0.1
    assert far[1] != far[1]
    assert far[2:] == [True, True]


@pytest.mark.parametrize("origin", ["null", "0"])
def test_zooming_keeps_the_pixel_it_zooms_around(modules, origin):
    """What lies under the pointer stays there."""
    before, after = run(
        modules,
        f"""const a = new it.Axis(1e6, 1e9, 800, {origin}); const b = a.zoomed(0.5, 200);
        return [a.at(200), b.at(200)]""",
    )
    assert after == pytest.approx(before, rel=1e-6)


def test_zooming_ends_at_ten_nanoseconds(modules):
    """However often one zooms, the window keeps a width that a clock can tell."""
    width = run(
        modules,
        "let a = new it.Axis(0, 1e9, 800);"
        "for (let i = 0; i < 200; i += 1) a = a.zoomed(0.5, 400); return a.end - a.begin",
    )
    assert width == pytest.approx(10)


@pytest.mark.parametrize(
    "ns",
    [
        0,
        1,
        12,
        999,
        1000,
        9994,
        9996,
        123456,
        999_400,
        999_600,
        1.5e6,
        99.96e6,
        2e9,
        6.0012e9,
        3.6e12,
    ],
)
def test_durations_read_as_in_python(modules, ns):
    """A duration is written as `messages.duration` writes it."""
    assert run(modules, "return it.duration(argument)", ns) == duration(ns / 1e9)


@pytest.mark.parametrize(
    ("begin", "end", "caption", "labels"),
    [
        (0, 6e9, "in s", ["0", "1", "2", "3", "4", "5", "6"]),
        (0, 3e6, "in ms", ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5", "3.0"]),
        (0, 5e3, "in µs", ["0", "1", "2", "3", "4", "5"]),
        (5e9, 5e9 + 4e3, "in ns after 5.0000000 s", None),
    ],
)
def test_ticks_carry_a_unit_and_are_round(modules, begin, end, caption, labels):
    """Ticks are round numbers, and the caption says of what."""
    found = run(
        modules, "return it.ticks(new it.Axis(argument[0], argument[1], 600), 0)", [begin, end]
    )
    assert caption in found["caption"] or "in µs after" in found["caption"]
    if labels:
        assert [tick["label"] for tick in found["ticks"]] == labels


@pytest.mark.parametrize("width", [100, 300, 640, 1100])
@pytest.mark.parametrize("origin", ["null", "0"])
def test_tick_labels_do_not_overlap(modules, width, origin):
    """Whatever the window, two labels have room beside each other."""
    crowded = run(
        modules,
        f"""const crowded = [];
        for (const [begin, end] of [[0, 1e3], [0, 1e6], [0, 7.3e9], [1e9, 1.001e9], [0, 4e12],
                                    [3e9, 3e9 + 2e3], [12345678, 999999999]]) {{
          const {{ ticks }} = it.ticks(new it.Axis(begin, end, {width}, {origin}), 0);
          ticks.forEach((tick, i) => {{
            const next = ticks[i + 1];
            const wide = 3.6 * (tick.label.length + (next?.label.length ?? 0));
            if (next && next.x - tick.x < wide) crowded.push([begin, end, tick, next]);
          }});
        }}
        return crowded""",
    )
    assert crowded == []
