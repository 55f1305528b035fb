// How many messages were waiting, or in flight, in each pixel of time.

import { Axis } from "./axis.js";

/**
 * For each pixel, the minimum and the maximum of a count during that pixel's time.
 * @typedef {{low: Int32Array, high: Int32Array}} Counts
 */

/** A sampled count is taken this many times per pixel. */
const SAMPLES_PER_PX = 4;

/** @param {number} width of the axis */
export function emptyCounts(width) {
  const nPixels = Math.max(1, Math.ceil(width));
  return { low: new Int32Array(nPixels), high: new Int32Array(nPixels) };
}

/** The maximum of a count over all pixels. @param {Counts} counts */
export function maxCount({ high }) {
  return high.reduce((a, b) => Math.max(a, b), 0);
}

/** A count that is exact at every instant: keeps every step. For few messages. */
export class ExactCount {
  /** @type {[number, number][]} instants, and by how much the count changes */ steps = [];

  /** @param {Axis} axis */
  constructor(axis) {
    this.axis = axis;
  }

  /**
   * Count one message.
   * @param {number} start in ns @param {number} end Infinity if it is still counted
   */
  add(start, end) {
    this.steps.push([start, 1], [end, -1]);
  }

  /** @returns {Counts} */
  counts() {
    const { low, high } = emptyCounts(this.axis.width);
    let [count, x] = [0, 0];
    // In the order of time; two that never end (Infinity) compare as equal.
    for (const [instant, step] of this.steps.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
      const stepX = Math.floor(this.axis.px(instant));
      if (stepX >= low.length) break;
      if (stepX > x) {
        low.fill(count, x + 1, stepX + 1);
        high.fill(count, x + 1, stepX + 1);
        x = stepX;
      }
      count += step;
      // Steps before the window only set the count of its first pixel.
      low[x] = stepX < 0 ? count : Math.min(low[x], count);
      high[x] = stepX < 0 ? count : Math.max(high[x], count);
    }
    low.fill(count, x + 1);
    high.fill(count, x + 1);
    return { low, high };
  }
}

/** A count that is known at samples only. For many messages. */
export class SampledCount {
  /** @param {Axis} axis */
  constructor(axis) {
    this.axis = axis;
    this.nPixels = emptyCounts(axis.width).low.length;
    // Each since the sample before. The last one holds what is later than the axis.
    this.changes = new Float64Array(this.nPixels * SAMPLES_PER_PX + 2);
  }

  /**
   * Count one message.
   * @param {number} _start not used: its pixel is known @param {number} _end
   * @param {number} startPx @param {number} endPx Infinity if it is still counted
   */
  add(_start, _end, startPx, endPx) {
    this.changes[this.#sampleAt(startPx)] += 1;
    this.changes[this.#sampleAt(endPx)] -= 1;
  }

  /**
   * Change the count evenly between two instants.
   * @param {[number, number]} range in ns @param {number} change
   */
  addEvenly([start, end], change) {
    const [startPx, endPx] = [this.axis.px(start), this.axis.px(end)];
    const [x0, x1] = [startPx * SAMPLES_PER_PX, endPx * SAMPLES_PER_PX];
    const [first, last] = [this.#sampleAt(startPx), this.#sampleAt(endPx)];
    let changed = 0;
    for (let sample = first; sample < last; sample += 1) {
      const sum = change * Math.min(1, Math.max(0, (sample - x0) / (x1 - x0)));
      this.changes[sample] += sum - changed;
      changed = sum;
    }
    this.changes[last] += change - changed;
  }

  /** The first sample at or after a pixel; the last one for any later pixel. @param {number} px */
  #sampleAt(px) {
    const sample = Math.ceil(px * SAMPLES_PER_PX);
    return Math.min(Math.max(sample, 0), this.changes.length - 1);
  }

  /** @returns {Counts} */
  counts() {
    const { low, high } = emptyCounts(this.axis.width);
    const sums = new Float64Array(this.changes);
    for (let i = 1; i < sums.length; i += 1) sums[i] += sums[i - 1];
    for (let x = 0; x < this.nPixels; x += 1) {
      const samples = sums.subarray(x * SAMPLES_PER_PX, (x + 1) * SAMPLES_PER_PX + 1);
      low[x] = Math.round(Math.min(...samples));
      high[x] = Math.round(Math.max(...samples));
    }
    return { low, high };
  }
}
