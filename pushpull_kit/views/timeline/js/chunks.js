// Totals of neighboring messages, for pictures of too many messages to draw singly.

import { doneInstant, isKnown, isOnlyReceived } from "./columns.js";
import { BLOCKED_NS, HANDLED, REFUSED } from "./spec.js";

/** @typedef {import("./columns.js").Columns} Columns */

/** Messages per chunk. */
export const CHUNK_SIZE = 128;

/** A minimum and a maximum. @returns {[number, number]} */
const emptyRange = () => [Infinity, -Infinity];

/** @param {[number, number]} range @param {number} value */
function extend(range, value) {
  if (value < range[0]) range[0] = value;
  if (value > range[1]) range[1] = value;
}

/**
 * Add one message to the count and the time of a lane.
 * @param {Map<number, [number, number]>} lanes @param {number} lane @param {number} ns
 */
function addTo(lanes, lane, ns) {
  const [count, sum] = lanes.get(lane) ?? [0, 0];
  lanes.set(lane, [count + 1, sum + ns]);
}

/** Sums over messages that were all handled, or received by a bare PULL. */
export class Totals {
  count = 0;
  sendStart = emptyRange();
  sendEnd = emptyRange();
  recv = emptyRange();
  done = emptyRange();
  /** @type {Map<number, [number, number]>} by lane: number of sends, and their time in ns */
  sends = new Map();
  /** @type {Map<number, [number, number]>} by lane: number of messages, and service time in ns */
  handlings = new Map();
  /** @type {Map<number, [number, number]>} by lane: number of receipts without a service time, 0 */
  receipts = new Map();

  /** @param {Columns} columns @param {number} slot */
  add(columns, slot) {
    const sendStart = columns.send_start_ns[slot];
    const sendEnd = columns.send_end_ns[slot];
    const recv = columns.recv_ns[slot];
    const done = doneInstant(columns, slot);
    this.count += 1;
    extend(this.sendStart, sendStart);
    extend(this.sendEnd, sendEnd);
    extend(this.recv, recv);
    extend(this.done, done);
    addTo(this.sends, columns.sender[slot], sendEnd - sendStart);
    const lanes = isOnlyReceived(columns, slot) ? this.receipts : this.handlings;
    addTo(lanes, columns.worker[slot], done - recv);
  }
}

/** The slots [from, to), and the time from their first to their last instant. */
export class Chunk {
  isStale = true; // a message was written since the chunk was measured
  start = Infinity;
  end = -Infinity; // Infinity if a message is unfinished
  /** @type {Totals | null} null unless all messages were handled and no send was blocked */
  totals = null;

  /** @param {number} from @param {number} to */
  constructor(from, to) {
    this.from = from;
    this.to = to;
  }

  /** @param {Columns} columns */
  measure(columns) {
    /** @type {Totals | null} */ let totals = new Totals();
    this.start = Infinity;
    this.end = -Infinity;
    for (let slot = this.from; slot < this.to; slot += 1) {
      const first = firstInstant(columns, slot);
      if (!isKnown(first)) continue; // the slot is empty
      const last = lastInstant(columns, slot);
      this.start = Math.min(this.start, first);
      this.end = Math.max(this.end, isKnown(last) ? last : Infinity);
      if (!isOrdinary(columns, slot)) totals = null;
      totals?.add(columns, slot);
    }
    this.totals = totals;
    this.isStale = false;
  }
}

/** Return NaN for an empty slot. @param {Columns} columns @param {number} slot */
export function firstInstant({ send_start_ns, recv_ns }, slot) {
  return isKnown(send_start_ns[slot]) ? send_start_ns[slot] : recv_ns[slot];
}

/** Return NaN for a message that is unfinished. @param {Columns} columns @param {number} slot */
function lastInstant(columns, slot) {
  const { send_start_ns, send_end_ns, outcome } = columns;
  if (outcome[slot] >= REFUSED) return send_end_ns[slot];
  const done = doneInstant(columns, slot);
  return isKnown(send_start_ns[slot]) ? Math.max(done, send_end_ns[slot]) : done;
}

/**
 * Whether a message was sent without being blocked, and was handled.
 * @param {Columns} columns @param {number} slot
 */
function isOrdinary({ send_start_ns, send_end_ns, outcome }, slot) {
  const sending = send_end_ns[slot] - send_start_ns[slot]; // NaN if either is unknown
  return sending <= BLOCKED_NS && outcome[slot] === HANDLED;
}
