// What lies where: from a log and a window of time to bars, columns and lines in CSS pixels.
// Nothing is drawn here, and nothing here knows the page.

import { BLOCKED_NS, FAILED, REFUSED, Log } from "./log.js";
import { Axis, duration, grouped } from "./axis.js";

/**
 * @typedef {"sending" | "blocked" | "waiting" | "handling" | "failed"} Kind
 * @typedef {{kind: Kind, number: number, x0: number, x1: number, y0: number, y1: number,
 *   open: boolean, text: string}} Bar   one message's; `open` goes on
 * @typedef {{kind: Kind, x: number, share: number}} Column   a pixel's width of many short bars:
 *   how much of that time they took, from 0 to 1
 * @typedef {{kind: "sender" | "waiting" | "worker" | "more", lane: number, name: string,
 *   note: string, top: number, bottom: number, bars: Bar[], columns: Column[],
 *   marks: Map<number, "refused" | "interrupted">, crowd: Int32Array | null}} Lane
 *   `marks`: pixels at which a send was given up; `crowd`: how many wait, pixel by pixel
 * @typedef {{low: Int32Array, high: Int32Array}} Counts   pixel by pixel: the least and the most
 * @typedef {Counts & {top: number, bottom: number, note: string}} Flight   messages in flight
 * @typedef {import("./log.js").Whole} Whole
 * @typedef {{axis: Axis, now: number, lanes: Lane[], flight: Flight, visible: number,
 *   height: number}} Scene
 */

/** A bar that is narrower than this becomes part of columns. */
const SINGLE_PX = 3;
/** Columns beside each other over less than this are as high as a bar: one could not see more. */
const LOW_FROM_PX = 12;
/**
 * However little a column's share is, so much of it is seen; and however little came, it counts.
 */
const LEAST_SHARE = 0.12;
const LEAST = 1e-9;
/** So many waits are drawn one by one, in so many rows; more are drawn as a crowd. */
const MOST_WAITS = 300;
const MOST_SLOTS = 8;
/** So many lanes of senders, and of workers, are drawn. */
const MOST_LANES = 60;
/** Up to so many messages are laid out one by one, and counts are exact at any instant; beyond, the
 * counts are taken so many times a pixel, and what is shorter than half a pixel is summed up. */
const EXACT = 3000;
const SAMPLES = 4;
const SHORT_PX = 0.5;

const WAITING_PX = 54;
const FLIGHT_PX = 58;
const TICKS_PX = 40;
const CHAR_PX = 6.3; // of the text on bars

/** The number of lanes that share the page decides how high one is. @param {number} count */
function laneHeight(count) {
  return count <= 8 ? 36 : count <= 20 ? 24 : 15;
}

/**
 * Lay out what a log holds, as it was at `now`.
 * @param {Log} log @param {Axis} axis @param {number} now in ns
 * @returns {Scene}
 */
export function layOut(log, axis, now) {
  const of = (/** @type {string} */ kind) =>
    log.lanes.flatMap((lane, i) =>
      lane[0] === kind && (log.used[i] || log.open.includes(i)) ? [i] : [],
    );
  const [senders, workers] = [of("sender"), of("worker")];
  const height = laneHeight(
    Math.min(senders.length, MOST_LANES) + Math.min(workers.length, MOST_LANES),
  );
  /** @type {Lane[]} */
  const lanes = [];
  let y = 4;
  /** @param {Lane["kind"]} kind @param {number} lane @param {string} name @param {number} high */
  const place = (kind, lane, name, high) => {
    const [bars, columns, marks] = [[], [], new Map()];
    lanes.push({
      kind,
      lane,
      name,
      note: "",
      top: y,
      bottom: (y += high),
      bars,
      columns,
      marks,
      crowd: null,
    });
  };
  for (const [kind, all] of /** @type {["sender" | "worker", number[]][]} */ ([
    ["sender", senders],
    ["worker", workers],
  ])) {
    if (kind === "worker") place("waiting", 0, "waiting", WAITING_PX);
    for (const lane of all.slice(0, MOST_LANES)) place(kind, lane, log.name(lane), height);
    const more = all.length - MOST_LANES;
    if (more > 0) place("more", 0, `${grouped(more)} more ${kind}s, not drawn`, 15);
  }
  const top = y + 10;
  const flight = { top, bottom: top + FLIGHT_PX, ...emptyFlight(axis.width) };
  const scene = { axis, now, lanes, flight, visible: 0, height: flight.bottom + TICKS_PX };
  fill(log, scene);
  return scene;
}

/** @param {number} width */
function emptyFlight(width) {
  const pixels = Math.max(1, Math.ceil(width));
  return { low: new Int32Array(pixels), high: new Int32Array(pixels), note: "" };
}

/** What is gathered for a lane in one pass over the log. */
class Gathered {
  count = 0;
  refused = 0;
  interrupted = 0;
  failed = 0;
  open = 0;
  took = 0;

  /** @param {Lane} lane @param {number} width @param {[Kind, Kind]} kinds */
  constructor(lane, width, kinds) {
    this.lane = lane;
    this.kinds = kinds;
    this.width = width;
    // How much of each pixel was taken up by short bars of the one kind, and of the other.
    this.shares = [new Float32Array(Math.ceil(width) + 1), new Float32Array(Math.ceil(width) + 1)];
  }

  /**
   * Add one bar: by itself, or where it is short, to the pixels that it covers.
   * @param {0 | 1} which of the two kinds @param {number} number
   * @param {number} x0 @param {number} x1 @param {boolean} open
   */
  bar(which, number, x0, x1, open) {
    if (x1 - x0 < SINGLE_PX && !open) this.cover(which, x0, x1, x1 - x0);
    else if (x1 >= 0 && x0 <= this.width) {
      const end = Math.max(x1, x0 + SINGLE_PX);
      this.lane.bars.push({
        kind: this.kinds[which],
        number,
        x0,
        x1: end,
        y0: 0,
        y1: 0,
        open,
        text: "",
      });
    }
  }

  /**
   * Spread so many pixels of bars evenly over a place.
   * @param {0 | 1} which @param {number} x0 @param {number} x1 @param {number} covered
   */
  cover(which, x0, x1, covered) {
    const shares = this.shares[which];
    const density = x1 > x0 ? covered / (x1 - x0) : 0;
    for (let x = Math.max(0, Math.floor(x0)); x <= x1 && x < shares.length; x += 1) {
      shares[x] += density * Math.max(0, Math.min(x1, x + 1) - Math.max(x0, x)) + LEAST;
    }
  }

  /** Turn what was covered into columns. */
  columns() {
    const [usual, special] = this.shares;
    for (let x = 0; x < usual.length; x += 1) {
      if (!usual[x] && !special[x]) continue;
      let end = x;
      while (end < usual.length && (usual[end] || special[end])) end += 1;
      const mark = end - x < LOW_FROM_PX; // so short a run is seen as one bar
      for (; x < end; x += 1) {
        const sum = usual[x] + special[x];
        const share = (mark ? 1 : Math.min(1, Math.max(LEAST_SHARE, sum))) / sum;
        this.shares.forEach((some, which) => {
          if (some[x])
            this.lane.columns.push({ kind: this.kinds[which], x, share: some[x] * share });
        });
      }
    }
  }
}

/** One pass over what lies in the window: each message's bars, or the sums of many. */
class Scan {
  exact = true;
  visible = 0;
  /** @type {number[]} places of messages that wait */ waits = [];
  /** @type {[number, number][]} when one more, or one less, waits */ waitSteps = [];
  /** @type {[number, number][]} ... is in flight */ flightSteps = [];

  /** @param {Log} log @param {Scene} scene */
  constructor(log, { axis, now, lanes, flight }) {
    this.log = log;
    this.axis = axis;
    this.now = now;
    this.begin = axis.begin;
    this.end = Math.min(axis.end, now);
    this.pixels = flight.high.length;
    // Changes of the two counts, sample by sample.
    this.waitChanges = new Float64Array(this.pixels * SAMPLES + 1);
    this.flightChanges = new Float64Array(this.pixels * SAMPLES + 1);
    /** @type {Gathered[]} */ this.sends = [];
    /** @type {Gathered[]} */ this.works = [];
    for (const lane of lanes) {
      if (lane.kind === "sender")
        this.sends[lane.lane] = new Gathered(lane, axis.width, ["sending", "blocked"]);
      if (lane.kind === "worker")
        this.works[lane.lane] = new Gathered(lane, axis.width, ["handling", "failed"]);
    }
    this.startPx = axis.reader();
    this.sentPx = axis.reader();
    this.recvPx = axis.reader();
    this.donePx = axis.reader();
  }

  run() {
    const blocks = this.log.within(this.begin, this.end);
    const count = blocks.reduce((sum, block) => sum + block.to - block.from, 0);
    this.exact = count <= EXACT;
    for (const block of blocks) {
      if (!this.exact && block.whole && block.end <= this.now && this.#short(block.whole))
        this.#all(block.whole);
      else for (let place = block.from; place < block.to; place += 1) this.#one(place);
    }
    for (const gathered of [...this.sends, ...this.works]) gathered?.columns();
  }

  /** Whether nothing could be told apart in it. @param {Whole} whole */
  #short(whole) {
    return whole.spans.every(([begin, end]) => this.axis.px(end) - this.axis.px(begin) < SHORT_PX);
  }

  /** @param {Whole} whole */
  #all({ count, spans, sends, works }) {
    const [start, sent, recv, done] = spans;
    this.visible += count;
    this.#sum(this.sends, sends, start[0], sent[1]);
    this.#sum(this.works, works, recv[0], done[1]);
    this.#spread(this.waitChanges, start, count);
    this.#spread(this.waitChanges, recv, -count);
    if (recv[1] <= sent[1]) return;
    this.#spread(this.flightChanges, sent, count);
    this.#spread(this.flightChanges, recv, -count);
  }

  /**
   * Let a count change evenly over a span of time.
   * @param {Float64Array} changes @param {[number, number]} span @param {number} count
   */
  #spread(changes, [begin, end], count) {
    const [x0, x1] = [this.axis.px(begin) * SAMPLES, this.axis.px(end) * SAMPLES];
    const [first, last] = [this.#sample(x0 / SAMPLES), this.#sample(x1 / SAMPLES)];
    let changed = 0;
    for (let sample = first; sample < last; sample += 1) {
      const sum = count * Math.min(1, Math.max(0, (sample - x0) / (x1 - x0)));
      changes[sample] += sum - changed;
      changed = sum;
    }
    changes[last] += count - changed;
  }

  /**
   * @param {Gathered[]} lanes @param {Whole["sends"]} sums @param {number} begin
   * @param {number} end
   */
  #sum(lanes, sums, begin, end) {
    const [x0, x1] = [this.axis.px(begin), this.axis.px(end)];
    if (x1 < 0 || x0 > this.axis.width) return;
    for (const [place, [count, took]] of sums) {
      const lane = lanes[place];
      if (!lane) continue;
      lane.count += count;
      lane.took += took;
      lane.cover(0, x0, x1, Math.min(1, took / (end - begin)) * (x1 - x0));
    }
  }

  /** @param {number} i the place of a message */
  #one(i) {
    const { now, begin, end } = this;
    const { sendStart, sendEnd, recv, done, sender, worker, outcome } = this.log.columns;
    const start = sendStart[i];
    const timed = start === start;
    if (!((timed ? start : recv[i]) <= end)) return; // not yet, or nothing has come for this place
    const sent = sendEnd[i] <= now;
    const received = recv[i] <= now;
    const worked = done[i] <= now;
    const gaveUp = sent && outcome[i] >= REFUSED;
    const over = gaveUp || (worked && (sent || !timed));
    if (over && !(sendEnd[i] >= begin) && !(done[i] >= begin)) return;
    this.visible += 1;
    const taken = received ? recv[i] : now;
    const takenPx = this.recvPx(taken);
    if (timed) {
      const until = sent ? sendEnd[i] : now;
      const x0 = this.startPx(start);
      const x1 = this.sentPx(until);
      const lane = this.sends[sender[i]];
      if (lane && until >= begin) {
        const blocked = until - start > BLOCKED_NS;
        lane.count += 1;
        lane.took += until - start;
        if (!gaveUp || blocked) lane.bar(blocked ? 1 : 0, this.log.numberAt(i), x0, x1, !sent);
        if (gaveUp) {
          if (outcome[i] === REFUSED) lane.refused += 1;
          else lane.interrupted += 1;
          lane.lane.marks.set(Math.round(x1), outcome[i] === REFUSED ? "refused" : "interrupted");
        }
      }
      if (!gaveUp && (sent || received) && taken >= begin) {
        if (this.exact) {
          this.waits.push(i);
          this.waitSteps.push([start, 1], [received ? taken : Infinity, -1]);
          if (taken > until) this.flightSteps.push([until, 1], [received ? taken : Infinity, -1]);
        } else {
          const sample = received ? this.#sample(takenPx) : this.pixels * SAMPLES;
          this.waitChanges[this.#sample(x0)] += 1;
          this.waitChanges[sample] -= 1;
          if (taken > until) {
            this.flightChanges[this.#sample(x1)] += 1;
            this.flightChanges[sample] -= 1;
          }
        }
      }
    }
    const lane = received ? this.works[worker[i]] : undefined;
    const until = worked ? done[i] : now;
    if (lane && until >= begin && taken <= end) {
      const failed = worked && outcome[i] === FAILED;
      lane.count += 1;
      lane.took += until - taken;
      if (failed) lane.failed += 1;
      if (!worked) lane.open += 1;
      lane.bar(failed ? 1 : 0, this.log.numberAt(i), takenPx, this.donePx(until), !worked);
    }
  }

  /** The first sample at or after a pixel. @param {number} px */
  #sample(px) {
    const sample = Math.ceil(px * SAMPLES);
    return sample < 0 ? 0 : sample < this.waitChanges.length ? sample : this.waitChanges.length - 1;
  }

  /**
   * How many waited, and how many were in flight, pixel by pixel.
   * @returns {{waiting: Counts, inFlight: Counts}}
   */
  counts() {
    const { axis, exact, pixels } = this;
    return {
      waiting: exact ? stepped(this.waitSteps, axis, pixels) : sampled(this.waitChanges, pixels),
      inFlight: exact
        ? stepped(this.flightSteps, axis, pixels)
        : sampled(this.flightChanges, pixels),
    };
  }
}

/** @param {Log} log @param {Scene} scene */
function fill(log, scene) {
  const { axis, now, lanes, flight } = scene;
  const scan = new Scan(log, scene);
  scan.run();
  scene.visible = scan.visible;
  for (const gathered of [...scan.sends, ...scan.works]) if (gathered) finish(gathered);
  const { waiting, inFlight } = scan.counts();
  const queue = lanes.find((lane) => lane.kind === "waiting");
  if (queue) {
    queue.note = mostOf(waiting, scan.exact);
    const few = scan.exact && scan.waits.length <= MOST_WAITS;
    if (queue.note && !(few && stacked(queue, scan.waits, log, axis, now)))
      queue.crowd = waiting.high;
  }
  Object.assign(flight, inFlight, { note: mostOf(inFlight, scan.exact) });
  const until = Math.max(0, Math.ceil(axis.px(now)));
  flight.low.fill(-1, until); // nothing is known of the time after
  flight.high.fill(-1, until);
}

/** @param {Counts} counts @param {boolean} exact */
function mostOf({ high }, exact) {
  const most = high.reduce((a, b) => Math.max(a, b), 0);
  return most ? `up to ${exact ? "" : "about "}${grouped(most)} at once` : "";
}

/** Give a lane's bars their heights and texts, and the lane its note. @param {Gathered} gathered */
function finish(gathered) {
  const { lane, count, failed, open, took } = gathered;
  const pad = lane.bottom - lane.top > 20 ? 4 : 1.5;
  for (const bar of lane.bars) {
    bar.y0 = lane.top + pad;
    bar.y1 = lane.bottom - pad;
    bar.text = textOn(bar, gathered.width);
  }
  if (!count) return;
  const said =
    lane.kind === "sender" ? [`${grouped(count)} ${count === 1 ? "send" : "sends"}`] : [];
  for (const trouble of /** @type {const} */ (["refused", "interrupted", "failed"])) {
    if (gathered[trouble]) said.push(`${grouped(gathered[trouble])} ${trouble}`);
  }
  if (lane.kind === "worker") said.unshift(`${grouped(count - failed - open)} handled`);
  lane.note = [...said, duration(took)].join(", ");
}

/** What fits on the part of a bar that is in the window. @param {Bar} bar @param {number} width */
function textOn(bar, width) {
  const height = bar.y1 - bar.y0;
  const room = (Math.min(bar.x1, width) - Math.max(bar.x0, 0) - 6) / CHAR_PX;
  const number = grouped(bar.number);
  const word = bar.kind;
  if (height < 11) return "";
  if (`${number}: ${word}`.length <= room) return `${number}: ${word}`;
  if ((word === "blocked" || word === "failed") && word.length <= room) return word;
  return number.length <= room ? number : "";
}

/**
 * Stack the waits in slots; return false where they need too many.
 * @param {Lane} lane @param {number[]} waits @param {Log} log @param {Axis} axis
 * @param {number} now
 */
function stacked(lane, waits, log, axis, now) {
  const { sendStart, recv } = log.columns;
  /** @type {number[]} */ const free = [];
  /** @type {[Bar, number][]} */ const placed = [];
  for (const i of [...waits].sort((a, b) => sendStart[a] - sendStart[b])) {
    const received = recv[i] <= now;
    const [x0, x1] = [axis.px(sendStart[i]), axis.px(received ? recv[i] : now)];
    let slot = free.findIndex((px) => px <= x0 + SINGLE_PX);
    if (slot < 0) slot = free.length;
    if (slot >= MOST_SLOTS) return false;
    free[slot] = x1;
    const number = log.numberAt(i);
    const bar = { number, x0, x1: Math.max(x1, x0 + 1.5), y0: 0, y1: 0, open: !received, text: "" };
    placed.push([{ kind: "waiting", ...bar }, slot]);
  }
  const pitch = (lane.bottom - lane.top - 4) / Math.max(3, free.length);
  for (const [bar, slot] of placed) {
    bar.y0 = lane.top + 2 + slot * pitch;
    bar.y1 = bar.y0 + pitch - 2;
    bar.text = textOn(bar, axis.width);
    lane.bars.push(bar);
  }
  return true;
}

/**
 * The least and the most of a count in each pixel, from all its steps.
 * @param {[number, number][]} steps @param {Axis} axis @param {number} pixels @returns {Counts}
 */
function stepped(steps, axis, pixels) {
  const [low, high] = [new Int32Array(pixels), new Int32Array(pixels)];
  let [count, x] = [0, 0];
  for (const [instant, step] of steps.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const to = Math.floor(axis.px(instant));
    if (to >= pixels) break;
    if (to > x) {
      low.fill(count, x + 1, to + 1);
      high.fill(count, x + 1, to + 1);
      x = to;
    }
    count += step;
    low[x] = to < 0 ? count : Math.min(low[x], count);
    high[x] = to < 0 ? count : Math.max(high[x], count);
  }
  low.fill(count, x + 1);
  high.fill(count, x + 1);
  return { low, high };
}

/**
 * The same from samples; what lies between two is not seen.
 * @param {Float64Array} changes @param {number} pixels @returns {Counts}
 */
function sampled(changes, pixels) {
  const [low, high] = [new Int32Array(pixels), new Int32Array(pixels)];
  for (let i = 1; i < changes.length; i += 1) changes[i] += changes[i - 1];
  for (let x = 0; x < pixels; x += 1) {
    const some = changes.subarray(x * SAMPLES, (x + 1) * SAMPLES + 1);
    low[x] = Math.round(Math.min(...some));
    high[x] = Math.round(Math.max(...some));
  }
  return { low, high };
}

/**
 * The message under the pointer, or null.
 * @param {Log} log @param {Scene} scene @param {number} x @param {number} y
 */
export function pick(log, scene, x, y) {
  const lane = scene.lanes.find((it) => y >= it.top && y < it.bottom);
  if (!lane) return null;
  const bar = lane.bars.findLast(
    (it) => x >= it.x0 - 1 && x <= it.x1 + 1 && y >= it.y0 - 1 && y <= it.y1 + 1,
  );
  if (bar) return bar.number;
  if (lane.kind === "waiting" || lane.kind === "more") return null;
  const { axis, now } = scene;
  const { sendStart, sendEnd, recv, done, sender, worker } = log.columns;
  const [whose, begins, ends] =
    lane.kind === "sender" ? [sender, sendStart, sendEnd] : [worker, recv, done];
  const limit = 4 / axis.scale; // no farther away than four pixels
  const at = axis.from + x / axis.scale;
  let [best, distance] = [-1, limit];
  for (const { from, to } of log.within(axis.at(x - 4), axis.at(x + 4))) {
    for (let i = from; i < to; i += 1) {
      if (whose[i] !== lane.lane || !(begins[i] <= now)) continue;
      const until = ends[i] <= now ? ends[i] : now;
      const away = Math.max(axis.bend(begins[i]) - at, at - axis.bend(until), 0);
      if (away < distance) [best, distance] = [i, away];
    }
  }
  return best < 0 ? null : log.numberAt(best);
}

/**
 * The first instant after `now` at which something happens, or null.
 * @param {Log} log @param {number} now
 */
export function nextInstant(log, now) {
  let found = Infinity;
  const { sendStart, sendEnd, recv, done } = log.columns;
  for (const { from, to } of log.within(now, Infinity)) {
    for (const column of [sendStart, sendEnd, recv, done]) {
      for (let i = from; i < to; i += 1) {
        if (column[i] > now && column[i] < found) found = column[i];
      }
    }
  }
  return found < Infinity ? found : null;
}
