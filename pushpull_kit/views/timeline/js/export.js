// Messages as files: a CSV table and a Chrome trace.

import { isKnown } from "./columns.js";
import { Log, doneInstantOf } from "./log.js";
import { OUTCOMES, REFUSED } from "./spec.js";

/** @typedef {import("./log.js").Message} Message */

const CSV_HEAD = "number,sender,send_start_ns,send_end_ns,recv_ns,done_ns,worker,n_bytes,outcome";

/** Sends with these outcomes were given up: their messages are never in flight. */
const GIVEN_UP = OUTCOMES.slice(REFUSED);

/** A saved file can be fetched by the browser for this long. */
const SAVE_MS = 10_000;

/** Have the browser save a file. @param {string} name @param {Blob} content */
export function saveFile(name, content) {
  const link = document.createElement("a");
  Object.assign(link, { download: name, href: URL.createObjectURL(content) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), SAVE_MS);
}

/** Return the messages as CSV, one per line, with instants in ns after the first. @param {Log} log */
export function csv(log) {
  /** @param {number} instant */
  const ns = (instant) => (isKnown(instant) ? String(instant - log.start) : "");
  const lines = [CSV_HEAD];
  for (const message of log.messages()) {
    const { id, send_start_ns, send_end_ns, recv_ns, done_ns, n_bytes, outcome } = message;
    const instants = [send_start_ns, send_end_ns, recv_ns, done_ns].map(ns);
    const [sender, worker] = [message.sender, message.worker].map((lane) => log.laneName(lane));
    lines.push([id, csvField(sender), ...instants, csvField(worker), n_bytes, outcome].join(","));
  }
  return lines.join("\r\n") + "\r\n";
}

/**
 * Quote a text where CSV needs it. An apostrophe keeps spreadsheets from running it as a formula.
 * @param {string} text
 */
function csvField(text) {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Return the messages as a Chrome trace, with the events of `to_chrome_trace`. @param {Log} log */
export function chromeTrace(log) {
  const messages = [...log.messages()];
  const threads = new Threads(log.lanes);
  const sends = threads.threadsOf(messages.map(sendSlice));
  const handlings = threads.threadsOf(messages.map(handlingSlice));
  const events = [
    { ph: "M", name: "process_name", args: { name: "pushpull_kit" } },
    ...threads.nameEvents(),
    ...messages.flatMap((message, i) => messageEvents(message, log.start, sends[i], handlings[i])),
    ...inFlightEvents(messages, log.start),
  ];
  const traceEvents = events.map((event) => ({ pid: 1, ...event }));
  return JSON.stringify({ displayTimeUnit: "ms", traceEvents });
}

/**
 * What takes place in a lane between two instants; nothing if the end is NaN.
 * @typedef {{lane: number, start: number, end: number}} Slice
 */

/** @param {Message} message @returns {Slice} */
const sendSlice = ({ sender, send_start_ns, send_end_ns }) => {
  return { lane: sender, start: send_start_ns, end: send_end_ns };
};

/** @param {Message} message @returns {Slice} */
const handlingSlice = (message) => {
  return { lane: message.worker, start: message.recv_ns, end: doneInstantOf(message) };
};

/** The threads of a trace, as in export.py: for each lane as many as it has slices at a time. */
class Threads {
  /** @param {[string, string][]} lanes */
  constructor(lanes) {
    this.names = lanes.map(([kind, name]) => (name === kind ? name : `${kind}: ${name}`));
    /** @type {Map<number, number>[]} by lane: its threads, and when the last slice of each ends */
    this.lastEnds = lanes.map((_, lane) => new Map([[lane, -Infinity]]));
  }

  /** Name the threads. Lane 0 is no lane, and a log may have lanes that are not in use. */
  nameEvents() {
    const events = this.names.map((name, tid) => {
      return { ph: "M", tid, name: "thread_name", args: { name } };
    });
    return events.slice(1).filter(({ args }) => args.name);
  }

  /** Return the thread of each slice. @param {Slice[]} slices */
  threadsOf(slices) {
    const threads = slices.map(({ lane }) => lane);
    const indexes = [...slices.keys()].filter((i) => isKnown(slices[i].end));
    indexes.sort((a, b) => slices[a].start - slices[b].start);
    for (const i of indexes) threads[i] = this.#freeThread(slices[i]);
    return threads;
  }

  /** Return the first thread that is free for a slice, and occupy it. @param {Slice} slice */
  #freeThread({ lane, start, end }) {
    const lastEnds = this.lastEnds[lane];
    if (!lastEnds) return lane; // the lanes have not come yet
    const free = [...lastEnds].find(([, lastEnd]) => lastEnd <= start);
    const thread = free ? free[0] : this.names.length;
    if (!free) this.names.push(`${this.names[lane]} (${lastEnds.size + 1})`);
    lastEnds.set(thread, end);
    return thread;
  }
}

/**
 * @param {Message} message @param {number} zero
 * @param {number} sender its thread @param {number} worker its thread @returns {object[]}
 */
function messageEvents(message, zero, sender, worker) {
  const { send_start_ns, send_end_ns, recv_ns, done_ns, outcome } = message;
  /** @param {number} ns */
  const microseconds = (ns) => (ns - zero) / 1e3;
  const args = { message: message.id, bytes: message.n_bytes, outcome };
  /** @param {string} name @param {number} tid @param {number} start @param {number} end */
  const slice = (name, tid, start, end) => {
    const times = { ts: microseconds(start), dur: (end - start) / 1e3 };
    return { ph: "X", tid, cat: "message", name, ...times, args };
  };
  const events = [];
  if (isKnown(send_end_ns)) {
    const name = outcome === "refused" ? "refused" : "send";
    events.push(slice(name, sender, send_start_ns, send_end_ns));
  }
  if (isKnown(done_ns)) {
    const name = outcome === "failed" ? "failed" : "handle";
    events.push(slice(name, worker, recv_ns, done_ns));
  }
  if (message.isOnlyReceived) {
    const mark = { ph: "i", s: "t", tid: worker, ts: microseconds(recv_ns) };
    events.push({ ...mark, cat: "message", name: "receive", args });
  }
  if (isKnown(send_start_ns) && isKnown(recv_ns)) {
    const flow = { cat: "message", name: "in flight", id: message.id + 1 };
    events.push({ ph: "s", tid: sender, ts: microseconds(send_start_ns), ...flow });
    events.push({ ph: "f", bp: "e", tid: worker, ts: microseconds(recv_ns), ...flow });
  }
  return events;
}

/** Return a counter of the messages in flight. @param {Message[]} messages @param {number} zero */
function inFlightEvents(messages, zero) {
  /** @type {[number, number][]} */ const steps = [];
  for (const { send_end_ns, recv_ns, outcome } of messages) {
    if (!isKnown(send_end_ns) || GIVEN_UP.includes(outcome)) continue;
    steps.push([isKnown(recv_ns) ? Math.min(send_end_ns, recv_ns) : send_end_ns, 1]);
    if (isKnown(recv_ns)) steps.push([recv_ns, -1]);
  }
  steps.sort((a, b) => a[0] - b[0]);
  const events = [];
  let count = 0;
  for (const [i, [instant, step]] of steps.entries()) {
    count += step;
    if (steps[i + 1]?.[0] === instant) continue; // only the count after all of an instant's steps
    const ts = (instant - zero) / 1e3;
    events.push({ ph: "C", name: "messages in flight", ts, args: { messages: count } });
  }
  return events;
}
