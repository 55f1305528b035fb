// What lies where: from a log and a window of time to bars, columns and lines in CSS pixels.
// Nothing is drawn here, and nothing here knows the page.

import { FAILED, REFUSED, Log } from "./log.js";

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
 * @typedef {{top: number, bottom: number, low: Int32Array, high: Int32Array, most: number}} Flight
 *   how many messages were in flight, pixel by pixel
 * @typedef {{axis: Axis, now: number, lanes: Lane[], flight: Flight, visible: number,
 *   height: number}} Scene
 */

/** A send that takes longer was blocked: others take microseconds, and less is not felt. */
export const BLOCKED_NS = 50_000_000;

/** A bar that is narrower than this becomes part of columns. */
const SINGLE_PX = 3;
/** Columns beside each other over less than this are as high as a bar: one could not see more. */
const LOW_FROM_PX = 12;
/** However little a column's share is, so much of it is seen. */
const LEAST_SHARE = 0.12;
/** So many waits are drawn one by one, in so many rows; more are drawn as a crowd. */
const MOST_WAITS = 300;
const MOST_SLOTS = 8;
/** So many lanes of senders, and of workers, are drawn. */
const MOST_LANES = 60;
/** Up to so many messages, the line of those in flight is exact; beyond, it is exact four times a pixel. */
const EXACT = 3000;
const SAMPLES = 4;

const WAITING_PX = 54;
const FLIGHT_PX = 58;
const TICKS_PX = 40;
const CHAR_PX = 6.3; // of the text on bars

/** A window of time across so many pixels: linear, or log(1 + time in µs), which has a true zero. */
export class Axis {
  /**
   * @param {number} begin the window, in ns @param {number} end
   * @param {number} width in pixels
   * @param {number | null} origin where a logarithmic axis has its zero; null: it is linear
   */
  constructor(begin, end, width, origin = null) {
    this.width = width;
    this.origin = origin;
    this.from = this.bend(begin);
    this.to = Math.max(this.bend(end), this.from + (origin === null ? 10 : 1e-4));
    this.scale = width / (this.to - this.from);
  }

  /** Turn ns into what is even on the axis. @param {number} ns */
  bend(ns) {
    return this.origin === null ? ns : Math.log1p(Math.max(0, ns - this.origin) / 1e3);
  }

  /** @param {number} even */
  unbend(even) {
    return this.origin === null ? even : this.origin + Math.expm1(even) * 1e3;
  }

  get begin() {
    return this.unbend(this.from);
  }

  get end() {
    return this.unbend(this.to);
  }

  /** @param {number} ns */
  px(ns) {
    return (this.bend(ns) - this.from) * this.scale;
  }

  /** @param {number} px */
  at(px) {
    return this.unbend(this.from + px / this.scale);
  }

  /** The window made smaller (factor below 1) or larger around a pixel. @param {number} factor @param {number} px */
  zoomed(factor, px) {
    const fixed = this.from + px / this.scale;
    return this.#moved(fixed - (fixed - this.from) * factor, fixed + (this.to - fixed) * factor);
  }

  /** @param {number} px */
  panned(px) {
    return this.#moved(this.from + px / this.scale, this.to + px / this.scale);
  }

  /** @param {number} from @param {number} to */
  #moved(from, to) {
    const axis = new Axis(0, 1, this.width, this.origin);
    const least = this.origin === null ? 10 : 1e-4; // ten ns: no clock tells more
    const inside = this.origin === null ? from : Math.max(0, from);
    return Object.assign(axis, {
      from: inside,
      to: Math.max(to + inside - from, inside + least),
      scale: this.width / Math.max(to - from, least),
    });
  }
}

/** Seconds as a person would say them, in three digits; the same as `messages.duration`. @param {number} ns */
export function duration(ns) {
  if (!(ns > 0)) return ns === 0 ? "0 s" : "–";
  /** @type {[string, number][]} */
  const units = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];
  const [unit, size] = units.find((u) => ns >= 0.9995 * u[1]) ?? units[3];
  const value = ns / size;
  const digits = unit === "ns" || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${unit}`;
}

/** The least of 1, 2, 5, 10, 20, ... that is not less. @param {number} value @param {number[]} steps */
export function nice(value, steps = [1, 2, 5, 10]) {
  const power = 10 ** Math.floor(Math.log10(value));
  return (steps.find((step) => step * power >= value * 0.999999) ?? 10) * power;
}

/**
 * Where to write which time, and what the numbers mean.
 * @param {Axis} axis @param {number} zero the instant that is called 0
 * @returns {{ticks: {x: number, label: string}[], caption: string}}
 */
export function ticks(axis, zero) {
  /** @param {number} ns */
  const unitOf = (ns) => /** @type {[string, number]} */ (ns >= 1e9 ? ["s", 1e9] : ns >= 1e6 ? ["ms", 1e6] : ns >= 1e3 ? ["µs", 1e3] : ["ns", 1]);
  if (axis.origin !== null) {
    const decades = (axis.to - axis.from) / Math.LN10;
    const found = [{ x: axis.px(axis.origin), label: "0" }];
    for (let power = 1; power < 1e17; power *= 10) {
      for (const step of decades < 2.5 ? [1, 2, 5] : [1]) {
        const [unit, size] = unitOf(step * power);
        found.push({ x: axis.px(axis.origin + step * power), label: `${(step * power) / size} ${unit}` });
      }
    }
    // Below a microsecond, and where decades crowd, there is no room for each.
    let last = -Infinity;
    const shown = found.filter(({ x }) => x >= -1 && x <= axis.width + 1 && x - last > 52 && (last = x) === x);
    const after = axis.origin - zero;
    const when = Math.abs(after) < 1 ? "the first message" : `${exact(after / 1e9, axis.end - axis.begin)} s`;
    return { ticks: shown, caption: `time after ${when}, logarithmic` };
  }
  const step = nice((axis.end - axis.begin) / Math.max(2, axis.width / 90));
  const first = Math.ceil((axis.begin - zero) / step) * step;
  const reach = Math.max(Math.abs(axis.begin - zero), Math.abs(axis.end - zero));
  const far = reach / step >= 10_000; // then the times would be long numbers that differ at their ends
  const [unit, size] = unitOf(far ? axis.end - axis.begin : reach);
  const digits = Math.max(0, -Math.floor(Math.log10(step / size) + 1e-9));
  const shown = [];
  for (let n = 0; zero + first + n * step <= axis.end; n += 1) {
    const value = (first + n * step - (far ? first : 0)) / size;
    const label = value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    shown.push({ x: axis.px(zero + first + n * step), label: far && n ? `+${label}` : label });
  }
  const caption = far
    ? `in ${unit} after ${exact(first / 1e9, step)} s`
    : `time since the first message, in ${unit}`;
  return { ticks: shown, caption };
}

/** Seconds with so many digits that steps of so many ns can be told apart. @param {number} s @param {number} step */
function exact(s, step) {
  return s.toFixed(Math.min(9, Math.max(0, Math.ceil(9 - Math.log10(Math.max(1, step))))));
}

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
  const of = (/** @type {string} */ kind) => log.lanes.flatMap((lane, i) => (lane[0] === kind ? [i] : []));
  const [senders, workers] = [of("sender"), of("worker")];
  const height = laneHeight(Math.min(senders.length, MOST_LANES) + Math.min(workers.length, MOST_LANES));
  /** @type {Lane[]} */
  const lanes = [];
  let y = 4;
  /** @param {Lane["kind"]} kind @param {number} lane @param {string} name @param {number} high */
  const place = (kind, lane, name, high) => {
    const [bars, columns, marks] = [[], [], new Map()];
    lanes.push({ kind, lane, name, note: "", top: y, bottom: (y += high), bars, columns, marks, crowd: null });
  };
  for (const [kind, all] of /** @type {["sender" | "worker", number[]][]} */ ([["sender", senders], ["worker", workers]])) {
    if (kind === "worker") place("waiting", 0, "waiting", WAITING_PX);
    for (const lane of all.slice(0, MOST_LANES)) place(kind, lane, log.name(lane), height);
    const more = all.length - MOST_LANES;
    if (more > 0) place("more", 0, `${more.toLocaleString("en-US")} more ${kind}s, not drawn`, 15);
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
  return { low: new Int32Array(pixels), high: new Int32Array(pixels), most: 0 };
}

/** What is gathered for a lane in one pass over the log. */
class Gathered {
  /** @param {Lane} lane @param {number} width @param {[Kind, Kind]} kinds */
  constructor(lane, width, kinds) {
    this.lane = lane;
    this.kinds = kinds;
    this.pixels = Math.ceil(width) + 1;
    this.shares = [new Float32Array(this.pixels), new Float32Array(this.pixels)];
    this.count = 0;
    this.troubles = 0;
    this.took = 0;
    this.open = 0;
  }

  /**
   * Add a bar, for itself or as part of columns.
   * @param {0 | 1} which of the two kinds @param {number} number
   * @param {number} x0 @param {number} x1 @param {boolean} open
   */
  bar(which, number, x0, x1, open) {
    if (x1 < 0 || x0 > this.pixels) return;
    if (x1 - x0 >= SINGLE_PX || open) {
      this.lane.bars.push({
        kind: this.kinds[which], number, x0, x1: Math.max(x1, x0 + SINGLE_PX), y0: 0, y1: 0, open, text: "",
      });
      return;
    }
    const shares = this.shares[which];
    const last = Math.min(x1 | 0, this.pixels - 1);
    for (let x = Math.max(0, x0 | 0); x <= last; x += 1) {
      shares[x] += Math.max(1e-6, Math.min(x1, x + 1) - Math.max(x0, x));
    }
  }

  /** Turn the shares into columns. */
  columns() {
    const [first, second] = this.shares;
    for (let x = 0; x < this.pixels; x += 1) {
      if (!first[x] && !second[x]) continue;
      let end = x;
      while (end < this.pixels && (first[end] || second[end])) end += 1;
      const high = end - x < LOW_FROM_PX; // a short run is a mark: none of it could be told apart
      for (; x < end; x += 1) {
        const sum = first[x] + second[x];
        const share = high ? 1 : Math.min(1, Math.max(LEAST_SHARE, sum));
        for (const which of [0, 1]) {
          const part = (this.shares[which][x] / sum) * share;
          if (part) this.lane.columns.push({ kind: this.kinds[which], x, share: part });
        }
      }
    }
  }
}

/**
 * Go once over what lies in the window, and put it into the scene.
 * @param {Log} log @param {Scene} scene
 */
function fill(log, scene) {
  const { axis, now, lanes, flight } = scene;
  const { sendStart, sendEnd, recv, done, sender, worker, outcome } = log.columns;
  const [begin, end, width] = [axis.begin, Math.min(axis.end, now), axis.width];
  const pixels = flight.high.length;
  /** @type {Gathered[]} */ const sends = [];
  /** @type {Gathered[]} */ const works = [];
  for (const lane of lanes) {
    if (lane.kind === "sender") sends[lane.lane] = new Gathered(lane, width, ["sending", "blocked"]);
    if (lane.kind === "worker") works[lane.lane] = new Gathered(lane, width, ["handling", "failed"]);
  }
  /** @type {number[]} places of messages that wait in the window */ const waits = [];
  let waiting = 0;
  let inFlight = 0;
  const crowd = new Int32Array(pixels + 1);
  const changes = new Int32Array(pixels * SAMPLES + 1);
  /** @type {[number, number][]} */ const steps = [];
  /** @param {number} px */
  const sample = (px) => (px <= 0 ? 0 : px >= width ? pixels * SAMPLES : Math.ceil(px * SAMPLES));
  const numberOf = (/** @type {number} */ i) => i + Math.floor((log.next - 1 - i) / log.capacity) * log.capacity;

  log.each(begin, end, (from, to) => {
    for (let i = from; i < to; i += 1) {
      const start = sendStart[i];
      const received = recv[i] <= now;
      const timed = start === start;
      const first = timed ? start : recv[i];
      if (!(first <= end)) continue;
      const sent = sendEnd[i] <= now;
      const worked = done[i] <= now;
      const gaveUp = sent && outcome[i] >= REFUSED;
      let last = now;
      if (gaveUp) last = sendEnd[i];
      else if (worked) last = sent || !timed ? Math.max(done[i], timed ? sendEnd[i] : 0) : now;
      if (last < begin) continue;
      scene.visible += 1;

      if (timed) {
        const x0 = axis.px(start);
        const until = sent ? sendEnd[i] : now;
        const lane = sends[sender[i]];
        if (lane && until >= begin) {
          const x1 = axis.px(until);
          const blocked = until - start > BLOCKED_NS;
          lane.count += 1;
          lane.took += until - start;
          if (!gaveUp || blocked) lane.bar(blocked ? 1 : 0, numberOf(i), x0, x1, !sent);
          if (gaveUp) {
            lane.troubles += 1;
            lane.lane.marks.set(Math.round(x1), outcome[i] === REFUSED ? "refused" : "interrupted");
          }
        }
        if (!gaveUp && (sent || received)) {
          const taken = received ? recv[i] : now;
          if (taken >= begin) {
            waiting += 1;
            if (waiting <= MOST_WAITS) waits.push(i);
            crowd[Math.max(0, Math.floor(x0))] += 1;
            crowd[Math.min(pixels, Math.floor(axis.px(taken)) + 1)] -= 1;
          }
          const accepted = sent ? Math.min(sendEnd[i], taken) : taken;
          if (taken > accepted && accepted <= end) {
            inFlight += 1;
            if (inFlight <= EXACT) steps.push([accepted, 1], [received ? taken : Infinity, -1]);
            changes[sample(axis.px(accepted))] += 1;
            if (received) changes[sample(axis.px(taken))] -= 1;
          }
        }
      }
      const lane = received ? works[worker[i]] : undefined;
      const until = worked ? done[i] : now;
      if (lane && until >= begin && recv[i] <= end) {
        const failed = worked && outcome[i] === FAILED;
        lane.count += 1;
        lane.took += until - recv[i];
        lane.troubles += failed ? 1 : 0;
        lane.open += worked ? 0 : 1;
        lane.bar(failed ? 1 : 0, numberOf(i), axis.px(recv[i]), axis.px(until), !worked);
      }
    }
  });

  for (const gathered of [...sends, ...works]) if (gathered) finish(gathered);
  const queue = lanes.find((lane) => lane.kind === "waiting");
  if (queue) {
    queue.note = waiting ? `${waiting.toLocaleString("en-US")} in view` : "";
    const few = waiting <= MOST_WAITS && stacked(queue, waits, numberOf, log, axis, now);
    if (waiting && !few) queue.crowd = summed(crowd).subarray(0, pixels);
  }
  if (inFlight <= EXACT) exactFlight(flight, steps, axis, now);
  else sampledFlight(flight, changes);
  const until = Math.ceil(axis.px(now));
  if (until < pixels) {
    flight.low.fill(-1, Math.max(0, until)); // not known yet
    flight.high.fill(-1, Math.max(0, until));
  }
}

/** Give a lane's bars their heights and texts, and the lane its note. @param {Gathered} gathered */
function finish(gathered) {
  const { lane, count, troubles, open } = gathered;
  gathered.columns();
  const pad = lane.bottom - lane.top > 20 ? 4 : 1.5;
  for (const bar of lane.bars) {
    bar.y0 = lane.top + pad;
    bar.y1 = lane.bottom - pad;
    bar.text = textOn(bar, bar.y1 - bar.y0);
  }
  const n = count.toLocaleString("en-US");
  const took = duration(gathered.took);
  if (lane.kind === "sender") {
    lane.note = count ? `${n} ${count === 1 ? "send" : "sends"}, ${took}` : "";
    if (troubles) lane.note += `, ${troubles.toLocaleString("en-US")} given up`;
  } else {
    const well = count - troubles - open;
    lane.note = count ? `${well.toLocaleString("en-US")} handled, ${took}` : "";
    if (troubles) lane.note += `, ${troubles.toLocaleString("en-US")} failed`;
  }
}

/** What fits on a bar. @param {Bar} bar @param {number} height */
function textOn(bar, height) {
  const room = (Math.min(bar.x1, 1e5) - Math.max(bar.x0, 0) - 6) / CHAR_PX;
  const number = bar.number.toLocaleString("en-US");
  const word = bar.kind;
  if (height < 11) return "";
  if (`${number}: ${word}`.length <= room) return `${number}: ${word}`;
  if ((word === "blocked" || word === "failed") && word.length <= room) return word;
  return number.length <= room ? number : "";
}

/**
 * Stack the waits in slots; return false where they need too many.
 * @param {Lane} lane @param {number[]} waits @param {(i: number) => number} numberOf
 * @param {Log} log @param {Axis} axis @param {number} now
 */
function stacked(lane, waits, numberOf, log, axis, now) {
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
    const number = numberOf(i);
    const bar = { number, x0, x1: Math.max(x1, x0 + 1.5), y0: 0, y1: 0, open: !received, text: "" };
    placed.push([{ kind: "waiting", ...bar }, slot]);
  }
  const pitch = (lane.bottom - lane.top - 4) / Math.max(3, free.length);
  for (const [bar, slot] of placed) {
    bar.y0 = lane.top + 2 + slot * pitch;
    bar.y1 = bar.y0 + pitch - 2;
    bar.text = textOn(bar, bar.y1 - bar.y0);
    lane.bars.push(bar);
  }
  return true;
}

/** Running sums, in place. @param {Int32Array} changes */
function summed(changes) {
  for (let i = 1; i < changes.length; i += 1) changes[i] += changes[i - 1];
  return changes;
}

/** @param {Flight} flight @param {[number, number][]} steps @param {Axis} axis @param {number} now */
function exactFlight(flight, steps, axis, now) {
  steps.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const { low, high } = flight;
  let [count, x] = [0, 0];
  for (const [instant, step] of steps) {
    const to = Math.floor(axis.px(instant));
    if (to >= high.length || instant > now) break;
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
  flight.most = high.reduce((a, b) => Math.max(a, b), 0);
}

/** @param {Flight} flight @param {Int32Array} changes */
function sampledFlight(flight, changes) {
  summed(changes);
  for (let x = 0; x < flight.high.length; x += 1) {
    const some = changes.subarray(x * SAMPLES, (x + 1) * SAMPLES + 1);
    flight.low[x] = Math.min(...some);
    flight.high[x] = Math.max(...some);
    flight.most = Math.max(flight.most, flight.high[x]);
  }
}

/**
 * The message under the pointer, or null.
 * @param {Log} log @param {Scene} scene @param {number} x @param {number} y
 */
export function pick(log, scene, x, y) {
  const lane = scene.lanes.find((it) => y >= it.top && y < it.bottom);
  if (!lane) return null;
  const bar = lane.bars.findLast((it) => x >= it.x0 - 1 && x <= it.x1 + 1 && y >= it.y0 - 1 && y <= it.y1 + 1);
  if (bar) return bar.number;
  if (lane.kind === "waiting" || lane.kind === "more") return null;
  const { axis, now } = scene;
  const { sendStart, sendEnd, recv, done, sender, worker } = log.columns;
  const [whose, begins, ends] = lane.kind === "sender" ? [sender, sendStart, sendEnd] : [worker, recv, done];
  const used = Math.min(log.next, log.capacity);
  const limit = 4 / axis.scale; // no farther away than four pixels
  const at = axis.from + x / axis.scale;
  let [best, distance] = [-1, limit];
  log.each(axis.at(x - 4), axis.at(x + 4), (from, to) => {
    for (let i = from; i < Math.min(to, used); i += 1) {
      if (whose[i] !== lane.lane || !(begins[i] <= now)) continue;
      const until = ends[i] <= now ? ends[i] : now;
      const away = Math.max(axis.bend(begins[i]) - at, at - axis.bend(until), 0);
      if (away < distance) [best, distance] = [i, away];
    }
  });
  if (best < 0) return null;
  return best + Math.floor((log.next - 1 - best) / log.capacity) * log.capacity;
}

/** The first instant after `now` at which something happens, or null. @param {Log} log @param {number} now */
export function nextInstant(log, now) {
  let found = Infinity;
  const { sendStart, sendEnd, recv, done } = log.columns;
  log.each(now, Infinity, (from, to) => {
    for (let i = from; i < to; i += 1) {
      for (const column of [sendStart, sendEnd, recv, done]) {
        if (column[i] > now && column[i] < found) found = column[i];
      }
    }
  });
  return found < Infinity ? found : null;
}
