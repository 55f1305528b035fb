// The kernel, as a page sees it: batches that come, acknowledgments that go, and its clock.

import { Log } from "./log.js";

/**
 * What is used of an anywidget's model.
 * @typedef {{get(name: string): any, send(content: object): void,
 *   on(event: string, callback: (...args: any[]) => void): void,
 *   off(event: string, callback?: (...args: any[]) => void): void}} Model
 * @typedef {import("./log.js").Batch} Batch
 */

/** So late may a promised batch be before the kernel counts as gone. */
const PATIENCE_MS = 4000;

/** Acknowledgments are no more frequent: for each, the kernel says that it is busy and idle. */
const ACK_MS = 250;
/** One that the kernel has not read after so long is sent again. */
const ACK_AGAIN_MS = 5000;

/** Everything is asked for again after so long at the soonest, whatever is amiss. */
const ASK_MS = 1000;

/**
 * Messages that nobody takes are shown to wait for so long after the last event; then time stops.
 */
const IDLE_NS = 10e9;

export class Source {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.log = new Log();
    /** @type {Batch | null} */ this.batch = null;
    this.arrived = 0; // when the last batch came, by this page's clock
    this.cut = false;
    this.latest = -Infinity; // the latest time that was shown
    /** @type {Set<() => void>} */ this.listeners = new Set();
    this.ack = { sequence: 0, sent: -Infinity };
    this.asked = -Infinity; // when everything was asked for
    this.amiss = false; // whether it is to be asked for again
    this.hidden = 0; // of the listeners, how many cannot be seen
    this.hear = this.hear.bind(this);
    this.look = this.look.bind(this);
    this.lose = this.lose.bind(this);
    this.tell = this.tell.bind(this);
  }

  /** Begin to listen; return what ends it. */
  open() {
    this.model.on("msg:custom", this.hear);
    this.model.on("comm_live_update", this.lose);
    this.model.on("change:least_span_s", this.tell);
    this.#ask();
    const timer = setInterval(this.look, 500);
    return () => {
      clearInterval(timer);
      this.model.off("msg:custom", this.hear);
      this.model.off("comm_live_update", this.lose);
      this.model.off("change:least_span_s", this.tell);
    };
  }

  /** @param {any} content @param {DataView[]} [buffers] */
  hear(content, buffers) {
    if (content?.kind !== "batch") return;
    const gap = this.batch && !content.anew && content.sequence !== this.batch.sequence + 1;
    const first = this.log.first;
    const understood = this.log.add(content, buffers?.[0]);
    if (gap || !understood) this.#ask();
    if (!understood) return;
    if (this.log.first !== first) this.latest = -Infinity;
    this.batch = content;
    this.arrived = performance.now();
    this.cut = false;
    if (this.listeners.size === this.hidden && !document.hidden) this.acknowledge();
    this.tell();
  }

  /** @param {object} content */
  #send(content) {
    if (this.cut) return;
    try {
      this.model.send(content);
    } catch {
      this.lose(); // the kernel was restarted a moment ago
    }
  }

  /** Ask for everything, from the beginning: now, or as soon as it is time. */
  #ask() {
    this.amiss = performance.now() - this.asked < ASK_MS;
    if (this.amiss) return;
    this.asked = performance.now();
    this.#send({ kind: "hello" });
  }

  /** The kernel's end of the line is gone. */
  lose() {
    this.cut = true;
    this.tell();
  }

  /** See whether something is amiss, and whether the kernel keeps its promise to send again. */
  look() {
    if (this.amiss) this.#ask();
    const promised = this.batch?.again_within_s;
    if (this.cut || promised == null) return;
    if (performance.now() - this.arrived > promised * 1000 + PATIENCE_MS) this.lose();
  }

  /** Tell the kernel that what came was drawn, so that it sends more. */
  acknowledge() {
    const now = performance.now();
    if (!this.batch || this.batch.sequence <= this.ack.sequence) return;
    const unread = this.batch.acked < this.ack.sequence && now - this.ack.sent < ACK_AGAIN_MS;
    if (unread || now - this.ack.sent < ACK_MS) return;
    this.ack = { sequence: this.batch.sequence, sent: now };
    this.#send({ kind: "ack", sequence: this.batch.sequence });
  }

  tell() {
    for (const listener of this.listeners) listener();
  }

  /** Whether time goes on: something is being done, or waits, or is blocked. */
  get running() {
    if (!this.batch || this.cut || this.batch.ended) return false;
    return this.batch.busy || (this.batch.in_flight > 0 && this.#clock() < this.log.end + IDLE_NS);
  }

  #clock() {
    return this.batch ? this.batch.now_ns + (performance.now() - this.arrived) * 1e6 : NaN;
  }

  /** The instant up to which there is something to show. It never goes back. */
  now() {
    if (!this.batch || Number.isNaN(this.log.end)) return NaN;
    let now = this.log.end;
    if (this.running) now = this.#clock();
    else if (this.batch.busy) now = this.batch.now_ns;
    else if (this.batch.in_flight) now = Math.min(this.batch.now_ns, this.log.end + IDLE_NS);
    this.latest = Math.max(this.latest, now, this.log.end);
    return this.latest;
  }
}
