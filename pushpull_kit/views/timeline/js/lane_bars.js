// The bars of one lane. Bars too narrow to be seen are merged into stripes.

import { DENSE_FROM_PX, MERGE_PX, MIN_DENSE_SHARE } from "./spec.js";

/**
 * @typedef {"sending" | "blocked" | "waiting" | "handling" | "failed"} Kind
 * @typedef {{kind: Kind, id: number, x0: number, x1: number, y0: number, y1: number,
 *   isOpen: boolean, text: string}} Bar   of one message; an open bar is of something unfinished
 * @typedef {{kind: Kind, x: number, share: number}} Stripe   one pixel of merged bars: the share
 *   of its time that they took, from 0 to 1
 */

/** Added to a pixel's share for each bar, so that a bar without any width leaves a stripe. */
const MIN_COVERED = 1e-9;

export class LaneBars {
  count = 0;
  nRefused = 0;
  nInterrupted = 0;
  nFailed = 0;
  nOpen = 0;
  nReceived = 0; // by a bare PULL: marks, not bars
  totalNs = 0;

  /**
   * @param {import("./layout.js").Lane} lane @param {number} width of the axis
   * @param {Kind} usualKind @param {Kind} specialKind
   */
  constructor(lane, width, usualKind, specialKind) {
    this.lane = lane;
    this.width = width;
    this.kinds = [usualKind, specialKind];
    // For each kind: how much of each pixel its narrow bars cover.
    this.covered = this.kinds.map(() => new Float32Array(Math.ceil(width) + 1));
  }

  /**
   * Add the bar of one message.
   * @param {boolean} isSpecial @param {number} id
   * @param {number} x0 @param {number} x1 @param {boolean} isOpen
   */
  add(isSpecial, id, x0, x1, isOpen) {
    if (x1 - x0 < MERGE_PX && !isOpen) {
      this.cover(isSpecial, x0, x1, x1 - x0);
      return;
    }
    if (x1 < 0 || x0 > this.width) return;
    const kind = this.kinds[Number(isSpecial)];
    const minX1 = Math.max(x1, x0 + MERGE_PX);
    this.lane.bars.push({ kind, id, x0, x1: minX1, y0: 0, y1: 0, isOpen, text: "" });
  }

  /**
   * Distribute the width of narrow bars evenly over the pixels from `x0` to `x1`.
   * @param {boolean} isSpecial @param {number} x0 @param {number} x1
   * @param {number} barsPx the sum of the widths
   */
  cover(isSpecial, x0, x1, barsPx) {
    const covered = this.covered[Number(isSpecial)];
    const density = x1 > x0 ? barsPx / (x1 - x0) : 0;
    for (let x = Math.max(0, Math.floor(x0)); x <= x1 && x < covered.length; x += 1) {
      const overlap = Math.max(0, Math.min(x1, x + 1) - Math.max(x0, x));
      covered[x] += density * overlap + MIN_COVERED;
    }
  }

  /**
   * Add a mark for messages that were received at a pixel, and of which nothing later is known.
   * @param {number} x @param {number} count
   */
  addReceipts(x, count) {
    this.nReceived += count;
    this.lane.marks.set(Math.round(x), "received");
  }

  /** Make stripes of the covered pixels, one run of neighboring pixels after the other. */
  addStripes() {
    const [usual, special] = this.covered;
    let x = 0;
    while (x < usual.length) {
      let end = x;
      while (end < usual.length && (usual[end] || special[end])) end += 1;
      if (end > x) this.#addRun(x, end);
      x = end + 1;
    }
  }

  /** @param {number} start @param {number} end */
  #addRun(start, end) {
    const [usual, special] = this.covered;
    const isDense = end - start >= DENSE_FROM_PX; // a shorter run looks like one bar
    for (let x = start; x < end; x += 1) {
      const sum = usual[x] + special[x];
      const height = isDense ? Math.min(1, Math.max(MIN_DENSE_SHARE, sum)) : 1;
      const scale = height / sum;
      this.covered.forEach((covered, i) => {
        if (!covered[x]) return;
        this.lane.stripes.push({ kind: this.kinds[i], x, share: covered[x] * scale });
      });
    }
  }
}
