// The page's side of the protocol: subscribes, receives batches, acknowledges them.
// Estimates the kernel's clock.

import { Log } from "./log.js";

/**
 * The part of an anywidget model that is used here.
 * @typedef {{get(name: string): any, send(content: object): void,
 *   on(event: string, callback: (...args: any[]) => void): void,
 *   off(event: string, callback?: (...args: any[]) => void): void}} Model
 * @typedef {import("./log.js").Header} Header
 */

/** The kernel counts as gone when a promised heartbeat is this late. */
const HEARTBEAT_TOLERANCE_MS = 4000;
/** How often the heartbeat is checked. */
const CHECK_MS = 500;

/** Minimum time between acknowledgments: the kernel reports "busy" and "idle" for each. */
const ACKNOWLEDGE_MS = 250;
/** An acknowledgment that the kernel has not read is sent again after this time. */
const ACKNOWLEDGE_AGAIN_MS = 5000;

/** Minimum time between requests for a snapshot. */
const SUBSCRIBE_MS = 1000;

/** Maximum length of an error's text. */
const MAX_PROBLEM_CHARS = 300;

/** Time after the last event during which messages in flight are drawn as waiting. */
const IDLE_NS = 10e9;

export class Subscription {
  log = new Log();
  /** @type {Header | null} of the last batch */ header = null;
  receivedAt = 0; // when the last batch came; this and other times in ms are of the page's clock
  isDisconnected = false;
  problem = ""; // why the kernel could not read the log; empty if it could
  latest = -Infinity; // the latest instant that `now` has returned
  /** @type {Set<() => void>} called after each change */ listeners = new Set();
  nHidden = 0; // number of listeners whose view is not visible
  acknowledged = { sequence: 0, sentAt: -Infinity };
  subscribedAt = -Infinity;
  isPostponed = false; // a request for a snapshot is due

  /** @param {Model} model */
  constructor(model) {
    this.model = model;
  }

  /** Subscribe; return the function that ends the subscription. */
  open() {
    /** @type {[string, (...args: any[]) => void][]} */
    const handlers = [
      ["msg:custom", (content, buffers) => this.receive(content, buffers)],
      ["comm_live_update", () => this.disconnect()],
      ["change:min_span_s", () => this.notify()],
    ];
    for (const [event, handler] of handlers) this.model.on(event, handler);
    this.#subscribe();
    const timer = setInterval(() => this.check(), CHECK_MS);
    return () => {
      clearInterval(timer);
      for (const [event, handler] of handlers) this.model.off(event, handler);
    };
  }

  /** @param {any} content @param {DataView[]} [buffers] */
  receive(content, buffers) {
    if (content?.kind === "error") this.#onProblem(content.text);
    if (content?.kind !== "batch") return;
    const expected = this.header && this.header.sequence + 1;
    const isGap = expected !== null && !content.snapshot && content.sequence !== expected;
    const { firstRowId } = this.log;
    const isValid = this.log.add(content, buffers?.[0]);
    if (isGap || !isValid) this.#subscribe();
    if (!isValid) return;
    if (this.log.firstRowId !== firstRowId) this.latest = -Infinity;
    this.header = content;
    this.receivedAt = performance.now();
    this.isDisconnected = false;
    this.problem = "";
    // A view acknowledges when it has drawn the batch. In a hidden tab nothing is acknowledged, so
    // the kernel sends less.
    const willBeDrawn = this.listeners.size > this.nHidden;
    if (!willBeDrawn && !document.hidden) this.acknowledge();
    this.notify();
  }

  /** @param {unknown} text */
  #onProblem(text) {
    this.problem = String(text).slice(0, MAX_PROBLEM_CHARS);
    this.receivedAt = performance.now(); // the kernel is there
    this.isDisconnected = false;
    this.notify();
  }

  /** @param {object} content */
  #send(content) {
    if (this.isDisconnected) return;
    try {
      this.model.send(content);
    } catch {
      this.disconnect(); // the kernel was restarted
    }
  }

  /** Request a snapshot, or do so in `check` if the last request was a moment ago. */
  #subscribe() {
    this.isPostponed = performance.now() - this.subscribedAt < SUBSCRIBE_MS;
    if (this.isPostponed) return;
    this.subscribedAt = performance.now();
    this.#send({ kind: "subscribe" });
  }

  disconnect() {
    this.isDisconnected = true;
    this.notify();
  }

  /** Subscribe again if that is due; disconnect if the kernel has missed a heartbeat. */
  check() {
    if (this.isPostponed) this.#subscribe();
    const promised = this.header?.heartbeat_within_s;
    if (this.isDisconnected || promised == null) return;
    const dueAt = this.receivedAt + promised * 1000;
    if (performance.now() > dueAt + HEARTBEAT_TOLERANCE_MS) this.disconnect();
  }

  /** Acknowledge the last batch, unless an acknowledgment was sent a moment ago. */
  acknowledge() {
    const { header, acknowledged } = this;
    if (!header || header.sequence <= acknowledged.sequence) return;
    const now = performance.now();
    const sinceLast = now - acknowledged.sentAt;
    const isRead = header.acknowledged >= acknowledged.sequence;
    if (sinceLast < (isRead ? ACKNOWLEDGE_MS : ACKNOWLEDGE_AGAIN_MS)) return;
    this.acknowledged = { sequence: header.sequence, sentAt: now };
    this.#send({ kind: "acknowledge", sequence: header.sequence });
  }

  notify() {
    for (const listener of this.listeners) listener();
  }

  /** Whether time goes on: messages are sent or handled, or some have waited for a short time. */
  get isRunning() {
    const { header } = this;
    if (!header || this.isDisconnected || this.problem || header.ended) return false;
    return header.busy || (header.in_flight > 0 && this.#clock() < this.log.end + IDLE_NS);
  }

  /** The kernel's clock, in ns; NaN before the first batch. */
  #clock() {
    if (!this.header) return NaN;
    return this.header.now_ns + (performance.now() - this.receivedAt) * 1e6;
  }

  /** The last instant that can be shown; NaN if there is no message. It never goes back. */
  now() {
    const { header, log } = this;
    if (!header || Number.isNaN(log.end)) return NaN;
    let now = log.end;
    if (this.isRunning) now = this.#clock();
    else if (header.busy) now = header.now_ns;
    else if (header.in_flight) now = Math.min(header.now_ns, log.end + IDLE_NS);
    this.latest = Math.max(this.latest, now, log.end);
    return this.latest;
  }
}
