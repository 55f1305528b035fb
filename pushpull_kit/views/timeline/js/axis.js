// Time: which instant lies at which pixel, and how times are written.

/** What lies outside of the window is drawn so far outside. */
const BESIDE_PX = 20;

/**
 * A window of time across so many pixels: linear, or log(1 + time in µs), which has a true zero.
 */
export class Axis {
  /**
   * @param {number} begin the window, in ns @param {number} end
   * @param {number} width in pixels
   * @param {number | null} origin where a logarithmic axis has its zero; null: it is linear
   */
  constructor(begin, end, width, origin = null) {
    this.width = width;
    this.origin = origin;
    /** @type {Float64Array | null} of the pixels, in ns */ this.edges = null;
    this.from = this.bend(begin);
    this.to = Math.max(this.bend(end), this.from + (origin === null ? 10 : 1e-4));
    this.scale = width / (this.to - this.from);
  }

  /** Turn ns into what is even on the axis. @param {number} ns */
  bend(ns) {
    return this.origin === null ? ns : Math.log1p(Math.max(0, ns - this.origin) / 1e3);
  }

  /** @param {number} even */
  unbend(even) {
    return this.origin === null ? even : this.origin + Math.expm1(even) * 1e3;
  }

  get begin() {
    return this.unbend(this.from);
  }

  get end() {
    return this.unbend(this.to);
  }

  /** @param {number} ns */
  px(ns) {
    return (this.bend(ns) - this.from) * this.scale;
  }

  /** @param {number} px */
  at(px) {
    return this.unbend(this.from + px / this.scale);
  }

  /**
   * Return a quick `px` for many instants, each not far from the last one. Where the axis is
   * logarithmic it walks along the edges of the pixels instead of asking for a logarithm; what
   * lies outside of the window, it puts beside it.
   * @returns {(ns: number) => number}
   */
  reader() {
    const { from, scale, width } = this;
    if (this.origin === null) return (ns) => (ns - from) * scale;
    if (!this.edges) {
      const inner = Array.from({ length: Math.ceil(width) + 1 }, (_, x) => this.at(x));
      this.edges = Float64Array.of(-Infinity, ...inner, Infinity);
    }
    const { edges } = this;
    const last = edges.length - 2;
    let i = 0;
    return (ns) => {
      while (ns >= edges[i + 1]) i += 1;
      while (ns < edges[i]) i -= 1;
      if (i === 0 || i === last)
        return Math.max(-BESIDE_PX, Math.min(width + BESIDE_PX, this.px(ns)));
      return i - 1 + (ns - edges[i]) / (edges[i + 1] - edges[i]);
    };
  }

  /**
   * The window made smaller (factor below 1) or larger around a pixel.
   * @param {number} factor @param {number} px
   */
  zoomed(factor, px) {
    const fixed = this.from + px / this.scale;
    return this.#moved(fixed - (fixed - this.from) * factor, fixed + (this.to - fixed) * factor);
  }

  /** @param {number} px */
  panned(px) {
    return this.#moved(this.from + px / this.scale, this.to + px / this.scale);
  }

  /** @param {number} from @param {number} to */
  #moved(from, to) {
    const axis = new Axis(0, 1, this.width, this.origin);
    const least = this.origin === null ? 10 : 1e-4; // ten ns: no clock tells more
    const inside = this.origin === null ? from : Math.max(0, from);
    return Object.assign(axis, {
      from: inside,
      to: Math.max(to + inside - from, inside + least),
      scale: this.width / Math.max(to - from, least),
    });
  }
}

/** @param {number} count */
export const grouped = (count) => count.toLocaleString("en-US");

/** With so many digits after the point. @param {number} value @param {number} digits */
function fixed(value, digits) {
  const how = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return value.toLocaleString("en-US", how);
}

/**
 * Seconds as a person would say them, in three digits; the same as `messages.duration`.
 * @param {number} ns
 */
export function duration(ns) {
  if (!(ns > 0)) return ns === 0 ? "0 s" : "–";
  /** @type {[string, number][]} */
  const units = [
    ["s", 1e9],
    ["ms", 1e6],
    ["µs", 1e3],
    ["ns", 1],
  ];
  const [unit, size] = units.find((u) => ns >= 0.9995 * u[1]) ?? units[3];
  const value = ns / size;
  const digits = unit === "ns" || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${fixed(value, digits)} ${unit}`;
}

/**
 * The least of 1, 2, 5, 10, 20, ... that is not less.
 * @param {number} value @param {number[]} steps
 */
export function nice(value, steps = [1, 2, 5, 10]) {
  const power = 10 ** Math.floor(Math.log10(value));
  return (steps.find((step) => step * power >= value * 0.999999) ?? 10) * power;
}

/**
 * Where to write which time, and what the numbers mean.
 * @param {Axis} axis @param {number} zero the instant that is called 0
 * @returns {{ticks: {x: number, label: string}[], caption: string}}
 */
export function ticks(axis, zero) {
  /** @param {number} ns */
  const unitOf = (ns) =>
    /** @type {[string, number]} */ (
      ns >= 1e9 ? ["s", 1e9] : ns >= 1e6 ? ["ms", 1e6] : ns >= 1e3 ? ["µs", 1e3] : ["ns", 1]
    );
  if (axis.origin !== null) {
    const decades = (axis.to - axis.from) / Math.LN10;
    const found = [{ x: axis.px(axis.origin), label: "0" }];
    for (let power = 1; power < 1e17; power *= 10) {
      for (const step of decades < 2.5 ? [1, 2, 5] : [1]) {
        const [unit, size] = unitOf(step * power);
        found.push({
          x: axis.px(axis.origin + step * power),
          label: `${((step * power) / size).toLocaleString("en-US")} ${unit}`,
        });
      }
    }
    // Below a microsecond, and where decades crowd, there is no room for each.
    let last = -Infinity;
    const shown = found.filter(
      ({ x }) => x >= -1 && x <= axis.width + 1 && x - last > 52 && (last = x) === x,
    );
    const after = axis.origin - zero;
    const when =
      Math.abs(after) < 1 ? "the first message" : `${exact(after / 1e9, axis.end - axis.begin)} s`;
    return { ticks: shown, caption: `time after ${when}, logarithmic` };
  }
  const step = nice((axis.end - axis.begin) / Math.max(2, axis.width / 90));
  const first = Math.ceil((axis.begin - zero) / step) * step;
  const reach = Math.max(Math.abs(axis.begin - zero), Math.abs(axis.end - zero));
  const far = reach / step >= 10_000; // then times would be long numbers that differ at the end
  const [unit, size] = unitOf(far ? axis.end - axis.begin : reach);
  const digits = Math.max(0, -Math.floor(Math.log10(step / size) + 1e-9));
  const shown = [];
  for (let n = 0; zero + first + n * step <= axis.end; n += 1) {
    const value = (first + n * step - (far ? first : 0)) / size;
    const label = fixed(value, digits);
    shown.push({ x: axis.px(zero + first + n * step), label: far && n ? `+${label}` : label });
  }
  const caption = far
    ? `in ${unit} after ${exact(first / 1e9, step)} s`
    : `time since the first message, in ${unit}`;
  return { ticks: shown, caption };
}

/**
 * Seconds with so many digits that steps of so many ns can be told apart.
 * @param {number} s @param {number} step
 */
function exact(s, step) {
  return s.toFixed(Math.min(9, Math.max(0, Math.ceil(9 - Math.log10(Math.max(1, step))))));
}
