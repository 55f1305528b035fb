// Goes once through the messages in the window: computes bars, and counts those that wait.

import { Axis } from "./axis.js";
import { Totals } from "./chunks.js";
import { doneInstant, isKnown, isOnlyReceived } from "./columns.js";
import { ExactCount, SampledCount } from "./counts.js";
import { LaneBars } from "./lane_bars.js";
import { Log } from "./log.js";
import { BLOCKED_NS, FAILED, REFUSED } from "./spec.js";

/** Up to this many messages each is laid out by itself, and counts are exact. */
const MAX_EXACT = 3000;

/** A chunk of messages whose instants differ by less than this is drawn from its totals. */
const SHORT_PX = 0.5;

/** What one message does at an instant. What has not ended by then ends at that instant. */
class MessageState {
  slot = 0;
  outcome = 0;
  sender = 0;
  worker = 0;
  isTimed = false; // its sender is timed
  hasReturned = false; // from `send`
  isReceived = false;
  isDone = false;
  isOnlyReceived = false; // by a bare PULL: its receipt is the last that is known
  isGivenUp = false;
  isFinished = false;
  sendStart = NaN;
  sendEnd = NaN;
  recv = NaN;
  done = NaN;
  first = NaN; // NaN for an empty slot
  last = NaN;

  /** @param {import("./columns.js").Columns} columns @param {number} slot @param {number} now */
  set(columns, slot, now) {
    const { send_start_ns, send_end_ns, recv_ns } = columns;
    const done = doneInstant(columns, slot);
    this.slot = slot;
    this.outcome = columns.outcome[slot];
    this.sender = columns.sender[slot];
    this.worker = columns.worker[slot];
    this.isTimed = isKnown(send_start_ns[slot]);
    this.hasReturned = send_end_ns[slot] <= now;
    this.isReceived = recv_ns[slot] <= now;
    this.isDone = done <= now;
    this.isOnlyReceived = isOnlyReceived(columns, slot);
    this.isGivenUp = this.hasReturned && this.outcome >= REFUSED;
    this.isFinished = this.isGivenUp || (this.isDone && (this.hasReturned || !this.isTimed));
    this.sendStart = send_start_ns[slot];
    this.sendEnd = this.hasReturned ? send_end_ns[slot] : now;
    this.recv = this.isReceived ? recv_ns[slot] : now;
    this.done = this.isDone ? done : now;
    this.first = this.isTimed ? this.sendStart : recv_ns[slot];
    this.last = Math.max(this.sendEnd, this.done);
    if (this.isGivenUp) this.last = this.sendEnd;
    else if (!this.isTimed) this.last = this.done;
  }
}

export class Scan {
  nVisible = 0;
  isExact = true;
  /** @type {number[]} slots of the messages that waited; only if they are few */ waits = [];
  message = new MessageState(); // one for all messages: to allocate one for each would be slow

  /**
   * @param {Log} log @param {Axis} axis @param {number} now
   * @param {import("./layout.js").Lane[]} lanes gets the bars and stripes
   */
  constructor(log, axis, now, lanes) {
    this.log = log;
    this.axis = axis;
    this.now = now;
    this.start = axis.start;
    this.end = Math.min(axis.end, now);
    // By the index of the lane.
    /** @type {LaneBars[]} */ this.sends = [];
    /** @type {LaneBars[]} */ this.handlings = [];
    for (const lane of lanes) {
      if (lane.kind === "sender")
        this.sends[lane.lane] = new LaneBars(lane, axis.width, "sending", "blocked");
      if (lane.kind === "worker")
        this.handlings[lane.lane] = new LaneBars(lane, axis.width, "handling", "failed");
    }
    this.sendStartPx = axis.reader();
    this.sendEndPx = axis.reader();
    this.recvPx = axis.reader();
    this.donePx = axis.reader();
    /** @type {ExactCount | SampledCount} */ this.waiting = new ExactCount(axis);
    /** @type {ExactCount | SampledCount} */ this.inFlight = new ExactCount(axis);
  }

  run() {
    const chunks = this.log.chunksBetween(this.start, this.end);
    const nMessages = chunks.reduce((sum, chunk) => sum + chunk.to - chunk.from, 0);
    this.isExact = nMessages <= MAX_EXACT;
    if (!this.isExact) {
      this.waiting = new SampledCount(this.axis);
      this.inFlight = new SampledCount(this.axis);
    }
    for (const { totals, end, from, to } of chunks) {
      if (!this.isExact && totals && end <= this.now && this.#isShort(totals)) {
        this.#addTotals(totals);
        continue;
      }
      for (let slot = from; slot < to; slot += 1) this.#addMessage(slot);
    }
    for (const bars of this.laneBars()) bars.addStripes();
  }

  /** The bars of all lanes. */
  laneBars() {
    return [...this.sends, ...this.handlings].filter((bars) => bars !== undefined);
  }

  // One message.

  /** @param {number} slot */
  #addMessage(slot) {
    const { message } = this;
    message.set(this.log.columns, slot, this.now);
    if (!(message.first <= this.end)) return; // later than the window, or an empty slot
    if (message.isFinished && message.last < this.start) return;
    this.nVisible += 1;
    if (message.isTimed) {
      this.#addSend(message);
      this.#addWait(message);
    }
    if (message.isReceived) this.#addHandling(message);
  }

  /** Add the bar of a send, or the mark of one that was given up. @param {MessageState} message */
  #addSend({ slot, outcome, sender, hasReturned, isGivenUp, sendStart, sendEnd }) {
    const bars = this.sends[sender];
    if (!bars || sendEnd < this.start) return;
    const endPx = this.sendEndPx(sendEnd);
    const isBlocked = sendEnd - sendStart > BLOCKED_NS;
    bars.count += 1;
    bars.totalNs += sendEnd - sendStart;
    if (!isGivenUp || isBlocked) {
      const startPx = this.sendStartPx(sendStart);
      bars.add(isBlocked, this.log.idAt(slot), startPx, endPx, !hasReturned);
    }
    if (!isGivenUp) return;
    const isRefused = outcome === REFUSED;
    if (isRefused) bars.nRefused += 1;
    else bars.nInterrupted += 1;
    bars.lane.marks.set(Math.round(endPx), isRefused ? "refused" : "interrupted");
  }

  /** Count a message that waited, and was in flight. @param {MessageState} message */
  #addWait({ slot, hasReturned, isReceived, isGivenUp, sendStart, sendEnd, recv }) {
    const isSending = !hasReturned && !isReceived;
    if (isSending || isGivenUp || recv < this.start) return;
    if (this.isExact) this.waits.push(slot);
    const end = isReceived ? recv : Infinity;
    const endPx = isReceived ? this.recvPx(recv) : Infinity;
    this.waiting.add(sendStart, end, this.sendStartPx(sendStart), endPx);
    if (recv <= sendEnd) return; // received before `send` returned: never in flight
    this.inFlight.add(sendEnd, end, this.sendEndPx(sendEnd), endPx);
  }

  /** Add the bar or the mark of a message that was received. @param {MessageState} message */
  #addHandling(message) {
    const { slot, outcome, worker, isDone, recv, done } = message;
    const bars = this.handlings[worker];
    if (!bars || done < this.start || recv > this.end) return;
    if (message.isOnlyReceived) {
      bars.addReceipts(this.recvPx(recv), 1);
      return;
    }
    const isFailed = isDone && outcome === FAILED;
    bars.count += 1;
    bars.totalNs += done - recv;
    if (isFailed) bars.nFailed += 1;
    if (!isDone) bars.nOpen += 1;
    bars.add(isFailed, this.log.idAt(slot), this.recvPx(recv), this.donePx(done), !isDone);
  }

  // A chunk of messages.

  /** Whether its messages could not be told apart in the picture. @param {Totals} totals */
  #isShort({ sendStart, sendEnd, recv, done }) {
    const { axis } = this;
    return [sendStart, sendEnd, recv, done].every(
      ([first, last]) => axis.px(last) - axis.px(first) < SHORT_PX,
    );
  }

  /** @param {Totals} totals */
  #addTotals({ count, sendStart, sendEnd, recv, done, sends, handlings, receipts }) {
    const waiting = /** @type {SampledCount} */ (this.waiting);
    const inFlight = /** @type {SampledCount} */ (this.inFlight);
    this.nVisible += count;
    this.#addLaneTotals(this.sends, sends, sendStart[0], sendEnd[1]);
    this.#addLaneTotals(this.handlings, handlings, recv[0], done[1]);
    const receiptX = this.axis.px(recv[0]);
    if (receiptX >= 0 && receiptX <= this.axis.width) {
      for (const [lane, [n]] of receipts) this.handlings[lane]?.addReceipts(receiptX, n);
    }
    waiting.addEvenly(sendStart, count);
    waiting.addEvenly(recv, -count);
    if (recv[1] <= sendEnd[1]) return;
    inFlight.addEvenly(sendEnd, count);
    inFlight.addEvenly(recv, -count);
  }

  /**
   * @param {LaneBars[]} lanes @param {Totals["sends"]} totals
   * @param {number} start @param {number} end of all of them
   */
  #addLaneTotals(lanes, totals, start, end) {
    const [x0, x1] = [this.axis.px(start), this.axis.px(end)];
    if (x1 < 0 || x0 > this.axis.width) return;
    for (const [lane, [count, totalNs]] of totals) {
      const bars = lanes[lane];
      if (!bars) continue;
      bars.count += count;
      bars.totalNs += totalNs;
      bars.cover(false, x0, x1, Math.min(1, totalNs / (end - start)) * (x1 - x0));
    }
  }
}
