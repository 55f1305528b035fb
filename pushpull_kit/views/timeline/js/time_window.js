// The window of time that is shown: it follows the present, zooms and pans.

import { Axis } from "./axis.js";
import { roundUp } from "./format.js";

/** The window while there is no message. */
const EMPTY_NS = 1e9;

/** A window that fits all messages has at least this span. */
const MIN_FIT_NS = 1e3;

/** Space after the last message. */
const MARGIN = 1.01;

/** While bars grow, the window grows in these steps: its scale is constant between them. */
const GROWTH_STEPS = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];

export class TimeWindow {
  fits = true; // it shows everything
  follows = true; // it moves on with the present
  start = 0; // in ns
  end = EMPTY_NS;
  width = 1; // in pixels
  /** @type {number | null} the zero of a logarithmic axis */ origin = null;
  isEmpty = true; // there is no message

  get axis() {
    if (this.isEmpty) return new Axis(0, EMPTY_NS, this.width);
    return new Axis(this.start, this.end, this.width, this.origin);
  }

  /**
   * Bring the window up to date before a picture is drawn.
   * @param {number} now NaN if there is no message
   * @param {{start: number, end: number, minSpanNs: number, isGrowing: boolean}} content
   *   what "everything" is
   */
  update(now, { start, end, minSpanNs, isGrowing }) {
    this.isEmpty = Number.isNaN(now);
    if (this.isEmpty) return;
    if (this.fits) {
      const span = Math.max(MIN_FIT_NS, minSpanNs, end - start);
      this.start = start;
      this.end = start + (isGrowing ? roundUp(span, GROWTH_STEPS) : span * MARGIN);
    } else if (this.follows) {
      this.start = now - (this.end - this.start);
      this.end = now;
    }
  }

  fitAll() {
    this.fits = true;
    this.follows = true;
  }

  /** Show the window of this axis, and stay there. @param {Axis} axis */
  show(axis) {
    this.start = axis.start;
    this.end = axis.end;
    this.fits = false;
    this.follows = false;
  }

  /** Switch logarithmic time on or off; its zero is the start. @param {number} start */
  toggleLogTime(start) {
    const isOff = this.origin === null;
    this.origin = isOff && !Number.isNaN(start) ? start : null;
  }
}
