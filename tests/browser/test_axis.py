"""Which instant is at which pixel: `axis.js`."""

import pytest


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
    """A reader gives the pixels of the axis, to a tenth of a pixel, in any order."""
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
    """The instant under the pointer stays at its pixel."""
    before, after = run(
        modules,
        f"""const a = new it.Axis(1e6, 1e9, 800, {origin}); const b = a.zoomed(0.5, 200);
        return [a.at(200), b.at(200)]""",
    )
    assert after == pytest.approx(before, rel=1e-6)


def test_zooming_ends_at_ten_nanoseconds(modules):
    """The window never gets narrower than a clock can measure."""
    width = run(
        modules,
        "let a = new it.Axis(0, 1e9, 800);"
        "for (let i = 0; i < 200; i += 1) a = a.zoomed(0.5, 400); return a.end - a.start",
    )
    assert width == pytest.approx(10)
