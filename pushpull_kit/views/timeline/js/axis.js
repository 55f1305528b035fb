// Converts between instants and pixels.

/** `reader` clamps an instant outside of the window to this distance from its edge. */
const OUTSIDE_PX = 20;

/** The narrowest window: 10 ns, and on a logarithmic axis this much of the logarithm. */
const MIN_SPAN_NS = 10;
const MIN_SPAN_LOG = 1e-4;

/**
 * A window of time across a number of pixels: linear, or log(1 + time in µs), which has a zero.
 *
 * `bend` turns an instant into a value that is proportional to pixels; `from` and `to` are the
 * edges of the window as such values.
 */
export class Axis {
  /**
   * @param {number} start of the window, in ns @param {number} end
   * @param {number} width in pixels
   * @param {number | null} origin the zero of a logarithmic axis; null makes it linear
   */
  constructor(start, end, width, origin = null) {
    this.width = width;
    this.origin = origin;
    /** @type {Float64Array | null} the instants at the edges of the pixels */ this.edges = null;
    this.from = this.bend(start);
    this.to = Math.max(this.bend(end), this.from + this.#minSpan());
    this.scale = width / (this.to - this.from);
  }

  /** @param {number} ns */
  bend(ns) {
    return this.origin === null ? ns : Math.log1p(Math.max(0, ns - this.origin) / 1e3);
  }

  /** Undo `bend`. @param {number} bent */
  unbend(bent) {
    return this.origin === null ? bent : this.origin + Math.expm1(bent) * 1e3;
  }

  get start() {
    return this.unbend(this.from);
  }

  get end() {
    return this.unbend(this.to);
  }

  /** The pixel of an instant. @param {number} ns */
  px(ns) {
    return (this.bend(ns) - this.from) * this.scale;
  }

  /** The instant at a pixel. @param {number} px */
  at(px) {
    return this.unbend(this.from + px / this.scale);
  }

  /**
   * Return a faster `px` for many instants, each close to the one before it.
   *
   * On a logarithmic axis it walks along the edges of the pixels, and computes no logarithm.
   * @returns {(ns: number) => number}
   */
  reader() {
    const { from, scale, width } = this;
    if (this.origin === null) return (ns) => (ns - from) * scale;
    const edges = this.#pixelEdges();
    const last = edges.length - 2;
    let i = 0;
    return (ns) => {
      while (ns >= edges[i + 1]) i += 1;
      while (ns < edges[i]) i -= 1;
      if (i === 0 || i === last)
        return Math.max(-OUTSIDE_PX, Math.min(width + OUTSIDE_PX, this.px(ns)));
      return i - 1 + (ns - edges[i]) / (edges[i + 1] - edges[i]);
    };
  }

  #pixelEdges() {
    if (!this.edges) {
      const inner = Array.from({ length: Math.ceil(this.width) + 1 }, (_, x) => this.at(x));
      this.edges = Float64Array.of(-Infinity, ...inner, Infinity);
    }
    return this.edges;
  }

  /**
   * Return the axis with its window made smaller (factor below 1) or larger around a pixel.
   * @param {number} factor @param {number} px
   */
  zoomed(factor, px) {
    const fixed = this.from + px / this.scale;
    return this.#moved(fixed - (fixed - this.from) * factor, fixed + (this.to - fixed) * factor);
  }

  /** Return the axis with its window moved. @param {number} px */
  panned(px) {
    return this.#moved(this.from + px / this.scale, this.to + px / this.scale);
  }

  /** @param {number} from @param {number} to */
  #moved(from, to) {
    const axis = new Axis(0, 1, this.width, this.origin);
    const inside = this.origin === null ? from : Math.max(0, from);
    return Object.assign(axis, {
      from: inside,
      to: Math.max(to + inside - from, inside + this.#minSpan()),
      scale: this.width / Math.max(to - from, this.#minSpan()),
    });
  }

  #minSpan() {
    return this.origin === null ? MIN_SPAN_NS : MIN_SPAN_LOG;
  }
}
