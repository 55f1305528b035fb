"""Where the axis has which numbers: `ticks.js`."""

import pytest


def run(modules, code, argument=None):
    code = f"const {{ Axis }} = await import('/axis.js'); {code}"
    return modules.module("ticks", code, argument)


@pytest.mark.parametrize(
    ("start", "end", "caption", "labels"),
    [
        (0, 6e9, "in s", ["0", "1", "2", "3", "4", "5", "6"]),
        (0, 3e6, "in ms", ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5", "3.0"]),
        (0, 5e3, "in µs", ["0", "1", "2", "3", "4", "5"]),
        (5e9, 5e9 + 4e3, "in ns after 5.0000000 s", None),
    ],
)
def test_ticks_carry_a_unit_and_are_round(modules, start, end, caption, labels):
    """Ticks are round numbers, and the caption says of what."""
    found = run(
        modules, "return it.ticks(new Axis(argument[0], argument[1], 600), 0)", [start, end]
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
        for (const [start, end] of [[0, 1e3], [0, 1e6], [0, 7.3e9], [1e9, 1.001e9], [0, 4e12],
                                    [3e9, 3e9 + 2e3], [12345678, 999999999]]) {{
          const {{ ticks }} = it.ticks(new Axis(start, end, {width}, {origin}), 0);
          ticks.forEach((tick, i) => {{
            const next = ticks[i + 1];
            const wide = 3.6 * (tick.label.length + (next?.label.length ?? 0));
            if (next && next.x - tick.x < wide) crowded.push([start, end, tick, next]);
          }});
        }}
        return crowded""",
    )
    assert crowded == []
