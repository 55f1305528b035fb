// What a page knows of a log: the messages it was sent, in columns, and what can be read off them.

/**
 * What comes with each block of bytes; see `feed.py`.
 * @typedef {{sequence: number, acked: number, anew: boolean, count: number, first: number,
 *   oldest: number, next: number, limit: number, lanes: [string, string][], open: number[],
 *   now_ns: number,
 *   headline: string, busy: boolean, in_flight: number, ended: boolean,
 *   again_within_s: number | null}} Batch
 *
 * @typedef {{number: number, sendStart: number, sendEnd: number, recv: number, done: number,
 *   bytes: number, sender: number, worker: number, outcome: string}} Message
 *   Instants are ns after an origin of the kernel's; NaN where there is none.
 */

export const OUTCOMES = [
  "sending",
  "in_flight",
  "handling",
  "handled",
  "failed",
  "refused",
  "interrupted",
];
export const HANDLED = 3;
export const FAILED = 4;
export const REFUSED = 5;

/** A send that takes longer was blocked: others take microseconds, and less is not felt. */
export const BLOCKED_NS = 50_000_000;

/** So many messages beside each other share a note of what they have in common. */
const BLOCK = 128;

/** Bytes a message in a block of bytes: five floats, a number, two lanes, an outcome. */
export const ROW_BYTES = 5 * 8 + 4 + 2 + 2 + 1;

/** Columns for so many messages, with nothing in them. @param {number} capacity */
function makeColumns(capacity) {
  return {
    sendStart: new Float64Array(capacity).fill(NaN),
    sendEnd: new Float64Array(capacity).fill(NaN),
    recv: new Float64Array(capacity).fill(NaN),
    done: new Float64Array(capacity).fill(NaN),
    bytes: new Float64Array(capacity),
    sender: new Uint16Array(capacity),
    worker: new Uint16Array(capacity),
    outcome: new Uint8Array(capacity),
  };
}

/** What messages that are over and done with amount to: when, and for how long in which lane. */
export class Whole {
  count = 0;
  /** @type {[number, number][]} first and last instant of start, end of send, receipt, done */
  spans = [0, 1, 2, 3].map(() => [Infinity, -Infinity]);
  /** @type {Map<number, [number, number]>} by lane: how many, and how long in all */ sends =
    new Map();
  /** @type {Map<number, [number, number]>} */ works = new Map();

  /** @param {number[]} instants @param {number} sender @param {number} worker */
  add(instants, sender, worker) {
    this.count += 1;
    instants.forEach((instant, which) => {
      const span = this.spans[which];
      if (instant < span[0]) span[0] = instant;
      if (instant > span[1]) span[1] = instant;
    });
    const [start, sent, recv, done] = instants;
    const [sends, works] = [this.sends.get(sender) ?? [0, 0], this.works.get(worker) ?? [0, 0]];
    this.sends.set(sender, [sends[0] + 1, sends[1] + sent - start]);
    this.works.set(worker, [works[0] + 1, works[1] + done - recv]);
  }
}

/** Messages at places [from, to): when they begin and end, and their sum if all were handled. */
class Block {
  stale = true;
  begin = Infinity;
  end = -Infinity;
  /** @type {Whole | null} */ whole = null;

  /** @param {number} from @param {number} to */
  constructor(from, to) {
    this.from = from;
    this.to = to;
  }
}

export class Log {
  /** @type {[string, string][]} kind and name of each lane */ lanes = [];
  /** @type {number[]} lanes to which something may still come */ open = [];
  used = new Uint8Array(65536); // lanes from which something came
  limit = 1_000_000;
  first = 0; // what the kernel calls number 0: it changes when the log is cleared
  oldest = 0; // numbers count from there
  next = 0;
  loaded = 0; // how many have come so far
  beginning = NaN; // the first instant and the last that were ever here
  end = NaN;
  capacity = 0;
  columns = makeColumns(0);
  /** @type {Block[]} */ blocks = [];

  clear() {
    Object.assign(this, new Log(), { lanes: this.lanes, limit: this.limit });
  }

  /** Make room for so many messages. @param {number} capacity */
  resize(capacity) {
    const columns = makeColumns(capacity);
    for (const name of /** @type {(keyof typeof columns)[]} */ (Object.keys(columns))) {
      columns[name].set(this.columns[name]);
    }
    Object.assign(this, { capacity, columns, blocks: [] });
  }

  /**
   * Take in a batch; return false where its block does not hold what it should.
   * @param {Batch} batch
   * @param {DataView | ArrayBuffer | undefined} block
   */
  add(batch, block) {
    const size = block ? block.byteLength : 0;
    if (!Number.isInteger(batch.count) || size !== batch.count * ROW_BYTES) return false;
    if (batch.first !== this.first) {
      this.clear();
      this.first = batch.first;
    }
    this.lanes = batch.lanes;
    this.open = batch.open;
    this.limit = batch.limit;
    this.oldest = batch.oldest;
    this.next = batch.next;
    const needed = Math.min(this.limit, batch.next);
    if (needed > this.capacity) {
      this.resize(Math.min(this.limit, Math.max(1024, needed, 2 * this.capacity)));
    }
    if (batch.count && block) this.#write(batch.count, aligned(block));
    return true;
  }

  /** @param {number} count @param {ArrayBuffer} bytes */
  #write(count, bytes) {
    let at = 0;
    const floats = () => new Float64Array(bytes, (at += 8 * count) - 8 * count, count);
    const [start, end, recv, done, size] = [floats(), floats(), floats(), floats(), floats()];
    const number = new Uint32Array(bytes, at, count);
    const sender = new Uint16Array(bytes, (at += 4 * count), count);
    const worker = new Uint16Array(bytes, (at += 2 * count), count);
    const outcome = new Uint8Array(bytes, (at += 2 * count), count);
    const to = this.columns;
    const instants = [start, end, recv, done];
    let begin = Infinity;
    let last = -Infinity;
    for (let i = 0; i < count; i += 1) {
      const place = number[i] % this.capacity;
      // What was here before has been let go, if it was another message.
      if (to.sendStart[place] !== to.sendStart[place] && to.recv[place] !== to.recv[place])
        this.loaded += 1;
      to.sendStart[place] = start[i];
      to.sendEnd[place] = end[i];
      to.recv[place] = recv[i];
      to.done[place] = done[i];
      to.bytes[place] = size[i];
      to.sender[place] = sender[i];
      to.worker[place] = worker[i];
      to.outcome[place] = outcome[i];
      this.used[sender[i]] = this.used[worker[i]] = 1;
      const block = this.blocks[(place / BLOCK) | 0];
      if (block) block.stale = true;
      const first = start[i] === start[i] ? start[i] : recv[i];
      if (first < begin) begin = first;
      for (let which = 0; which < 4; which += 1) {
        const instant = instants[which][i];
        if (instant > last) last = instant; // never true of NaN
      }
    }
    this.beginning = Number.isNaN(this.beginning) ? begin : Math.min(begin, this.beginning);
    this.end = Number.isNaN(this.end) ? last : Math.max(last, this.end);
  }

  /** How many of the messages that are kept have not come yet. */
  get missing() {
    return this.next - this.oldest - Math.min(this.loaded, this.next - this.oldest);
  }

  /** @param {number} number @returns {Message | null} */
  message(number) {
    if (!(number >= this.oldest && number < this.next)) return null;
    const place = number % this.capacity;
    const from = this.columns;
    if (Number.isNaN(from.sendStart[place]) && Number.isNaN(from.recv[place])) return null;
    return {
      number,
      sendStart: from.sendStart[place],
      sendEnd: from.sendEnd[place],
      recv: from.recv[place],
      done: from.done[place],
      bytes: from.bytes[place],
      sender: from.sender[place],
      worker: from.worker[place],
      outcome: OUTCOMES[from.outcome[place]] ?? "?",
    };
  }

  /** The name of a lane. @param {number} lane */
  name(lane) {
    return this.lanes[lane]?.[1] ?? "";
  }

  /**
   * Return the blocks that may hold something between two instants.
   * @param {number} begin @param {number} end
   */
  within(begin, end) {
    const used = Math.min(this.next, this.capacity);
    for (let from = this.blocks.length * BLOCK; from < used; from += BLOCK) {
      this.blocks.push(new Block(from, Math.min(this.capacity, from + BLOCK)));
    }
    const found = [];
    for (const block of this.blocks) {
      if (block.stale) this.#measure(block);
      if (block.begin <= end && block.end >= begin) found.push(block);
    }
    return found;
  }

  /** The number of the message at a place. @param {number} place */
  numberAt(place) {
    return place + Math.floor((this.next - 1 - place) / this.capacity) * this.capacity;
  }

  /** @param {Block} block */
  #measure(block) {
    const { sendStart, sendEnd, recv, done, outcome, sender, worker } = this.columns;
    /** @type {Whole | null} */ let whole = new Whole();
    Object.assign(block, { begin: Infinity, end: -Infinity, stale: false });
    for (let i = block.from; i < block.to; i += 1) {
      const timed = sendStart[i] === sendStart[i];
      const first = timed ? sendStart[i] : recv[i];
      if (first !== first) continue; // not a number: nothing has come for this place yet
      block.begin = Math.min(block.begin, first);
      let last = Math.max(done[i], sendEnd[i]);
      if (outcome[i] >= REFUSED) last = sendEnd[i];
      else if (!timed) last = done[i];
      block.end = Math.max(block.end, last === last ? last : Infinity); // it goes on
      const plain =
        timed && last === last && outcome[i] === HANDLED && sendEnd[i] - first <= BLOCKED_NS;
      if (plain) whole?.add([first, sendEnd[i], recv[i], done[i]], sender[i], worker[i]);
      else whole = null;
    }
    block.whole = whole;
  }

  /**
   * Count what had happened up to an instant, as the headline does.
   * @param {number} now
   */
  summary(now) {
    const sum = {
      pushed: 0,
      handled: 0,
      failed: 0,
      handling: 0,
      inFlight: 0,
      blocked: 0,
      untimed: 0,
    };
    const { sendStart, sendEnd, recv, done, outcome } = this.columns;
    for (let i = 0; i < Math.min(this.next, this.capacity); i += 1) {
      const received = recv[i] <= now;
      if (!(sendStart[i] <= now)) {
        if (received && sendStart[i] !== sendStart[i]) sum.untimed += 1;
        continue;
      }
      if (!received && !(sendEnd[i] <= now)) sum.blocked += 1;
      else if (outcome[i] < REFUSED) {
        sum.pushed += 1;
        if (!received) sum.inFlight += 1;
        else if (!(done[i] <= now)) sum.handling += 1;
        else if (outcome[i] === FAILED) sum.failed += 1;
        else sum.handled += 1;
      }
    }
    return sum;
  }

  /** Yield the messages kept, in the order of their numbers. */
  *messages() {
    for (let number = this.oldest; number < this.next; number += 1) {
      const message = this.message(number);
      if (message) yield message;
    }
  }

  /** The messages as CSV: one line each, instants in ns after the first. */
  csv() {
    const head = "number,sender,send_start_ns,send_end_ns,recv_ns,done_ns,worker,n_bytes,outcome";
    const lines = [head];
    /** @param {number} instant */
    const ns = (instant) => (instant === instant ? String(instant - this.beginning) : "");
    for (const m of this.messages()) {
      const instants = [m.sendStart, m.sendEnd, m.recv, m.done].map(ns);
      const cells = [m.number, field(this.name(m.sender)), ...instants];
      lines.push([...cells, field(this.name(m.worker)), m.bytes, m.outcome].join(","));
    }
    return lines.join("\r\n") + "\r\n";
  }

  /** The messages as a Chrome trace, the same as the kit's `to_chrome_trace` writes. */
  chromeTrace() {
    /** @type {object[]} */
    const events = [];
    /** @type {[number, number][]} */
    const steps = [];
    /** @param {object} event */
    const tell = (event) => events.push({ pid: 1, ...event });
    tell({ ph: "M", name: "process_name", args: { name: "pushpull_kit" } });
    this.lanes.forEach(([kind, name], tid) => {
      const label = name === kind ? name : `${kind}: ${name}`;
      if (tid) tell({ ph: "M", tid, name: "thread_name", args: { name: label } });
    });
    /** @param {number} ns */
    const us = (ns) => (ns - this.beginning) / 1e3;
    for (const m of this.messages()) {
      const [sent, received] = [m.sendEnd === m.sendEnd, m.recv === m.recv];
      const begun = m.sendStart === m.sendStart;
      const args = { message: m.number, bytes: m.bytes, outcome: m.outcome };
      /** @param {string} name @param {number} tid @param {number} begin @param {number} end */
      const slice = (name, tid, begin, end) => {
        const times = { ts: us(begin), dur: (end - begin) / 1e3 };
        tell({ ph: "X", tid, cat: "message", name, ...times, args });
      };
      if (sent)
        slice(m.outcome === "refused" ? "refused" : "send", m.sender, m.sendStart, m.sendEnd);
      if (m.done === m.done)
        slice(m.outcome === "failed" ? "failed" : "handle", m.worker, m.recv, m.done);
      if (begun && received) {
        const flow = { cat: "message", name: "in flight", id: m.number + 1 };
        tell({ ph: "s", tid: m.sender, ts: us(m.sendStart), ...flow });
        tell({ ph: "f", bp: "e", tid: m.worker, ts: us(m.recv), ...flow });
      }
      if (sent && !(OUTCOMES.indexOf(m.outcome) >= REFUSED)) {
        steps.push([received ? Math.min(m.sendEnd, m.recv) : m.sendEnd, 1]);
        if (received) steps.push([m.recv, -1]);
      }
    }
    steps.sort((a, b) => a[0] - b[0]);
    let messages = 0;
    steps.forEach(([instant, step], i) => {
      messages += step;
      if (steps[i + 1]?.[0] === instant) return;
      tell({ ph: "C", name: "messages in flight", ts: us(instant), args: { messages } });
    });
    return JSON.stringify({ displayTimeUnit: "ms", traceEvents: events });
  }
}

/**
 * One field of CSV. A leading sign that a spreadsheet would take for a formula is defused.
 * @param {string} text
 */
function field(text) {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * A copy of a block's bytes, which may lie anywhere in a larger buffer.
 * @param {DataView | ArrayBuffer} block
 */
function aligned(block) {
  if (!ArrayBuffer.isView(block)) return block;
  const bytes = new Uint8Array(block.buffer, block.byteOffset, block.byteLength);
  return bytes.slice().buffer;
}
