// Computes where lanes, bars and labels are, in CSS pixels, from a log and a time axis.
// Draws nothing, and uses no DOM.

import { Axis } from "./axis.js";
import { emptyCounts, maxCount } from "./counts.js";
import { duration, grouped } from "./format.js";
import { LaneBars } from "./lane_bars.js";
import { Log } from "./log.js";
import { Scan } from "./scan.js";
import { MAX_LANES, MAX_SINGLE_WAITS, MAX_WAIT_SLOTS, MERGE_PX, MIN_BAR_PX } from "./spec.js";

/**
 * @typedef {import("./lane_bars.js").Bar} Bar
 * @typedef {import("./lane_bars.js").Stripe} Stripe
 * @typedef {{kind: "sender" | "waiting" | "worker" | "more", lane: number, name: string,
 *   note: string, top: number, bottom: number, bars: Bar[], stripes: Stripe[],
 *   marks: Map<number, Mark>, crowd: Int32Array | null}} Lane
 *   `marks`: the pixels of sends that were given up, or of receipts of which nothing later is
 *   known; `crowd`: for each pixel, how many wait
 * @typedef {"refused" | "interrupted" | "received"} Mark
 * @typedef {import("./counts.js").Counts & {top: number, bottom: number, note: string}} Flight
 *   messages in flight; -1 where the count is not known
 * @typedef {{axis: Axis, now: number, lanes: Lane[], flight: Flight, nVisible: number,
 *   height: number}} Scene
 */

const TOP_PX = 4;
const WAITING_PX = 54;
const FLIGHT_PX = 58;
const FLIGHT_GAP_PX = 10;
const TICKS_PX = 40;
const MORE_PX = 15;

/** Average width of a character on a bar, and the lowest bar with a text. */
const CHAR_PX = 6.3;
const MIN_TEXT_PX = 11;

/** At least this many slots share the height of the lane of waits. */
const MIN_WAIT_ROWS = 3;

/**
 * Lay out what a log holds, as it was at `now`.
 * @param {Log} log @param {Axis} axis @param {number} now in ns
 * @returns {Scene}
 */
export function layOut(log, axis, now) {
  const lanes = stackLanes(log);
  const top = lanes[lanes.length - 1].bottom + FLIGHT_GAP_PX;
  const flight = { top, bottom: top + FLIGHT_PX, note: "", ...emptyCounts(axis.width) };
  const height = flight.bottom + TICKS_PX;
  const scan = new Scan(log, axis, now, lanes);
  scan.run();
  for (const bars of scan.laneBars()) finishLane(bars);
  const waitingLane = lanes.find((lane) => lane.kind === "waiting");
  if (waitingLane) fillWaiting(waitingLane, scan);
  fillFlight(flight, scan);
  return { axis, now, lanes, flight, nVisible: scan.nVisible, height };
}

/** Return the lanes from top to bottom, still empty. @param {Log} log */
function stackLanes(log) {
  const senders = lanesOf(log, "sender");
  const workers = lanesOf(log, "worker");
  const nShown = Math.min(senders.length, MAX_LANES) + Math.min(workers.length, MAX_LANES);
  const height = laneHeight(nShown);
  /** @type {Lane[]} */
  const lanes = [];
  let y = TOP_PX;
  /** @param {Lane["kind"]} kind @param {number} lane @param {string} name @param {number} px */
  const add = (kind, lane, name, px) => {
    const content = { bars: [], stripes: [], marks: new Map(), crowd: null };
    lanes.push({ kind, lane, name, note: "", top: y, bottom: y + px, ...content });
    y += px;
  };
  /** @param {"sender" | "worker"} kind @param {number[]} indexes */
  const addAll = (kind, indexes) => {
    for (const lane of indexes.slice(0, MAX_LANES)) add(kind, lane, log.laneName(lane), height);
    const nMore = indexes.length - MAX_LANES;
    if (nMore > 0) add("more", 0, `${grouped(nMore)} more ${kind}s, not drawn`, MORE_PX);
  };
  addAll("sender", senders);
  add("waiting", 0, "waiting", WAITING_PX);
  addAll("worker", workers);
  return lanes;
}

/** Return the lanes that are open or have messages. @param {Log} log @param {string} kind */
function lanesOf(log, kind) {
  const indexes = [...log.lanes.keys()].filter((lane) => log.lanes[lane][0] === kind);
  return indexes.filter((lane) => log.usedLanes[lane] || log.openLanes.has(lane));
}

/** @param {number} count of lanes that share the height of the picture */
function laneHeight(count) {
  if (count <= 8) return 36;
  return count <= 20 ? 24 : 15;
}

/**
 * Space above and below the bars of a lane of a sender or worker.
 * @param {Lane} lane
 */
export function lanePadding(lane) {
  return lane.bottom - lane.top > 20 ? 4 : 1.5;
}

/** Set the heights and texts of a lane's bars, and its note. @param {LaneBars} laneBars */
function finishLane(laneBars) {
  const { lane, width } = laneBars;
  const padding = lanePadding(lane);
  for (const bar of lane.bars) {
    bar.y0 = lane.top + padding;
    bar.y1 = lane.bottom - padding;
    bar.text = textOn(bar, width);
  }
  lane.note = noteOf(laneBars);
}

/** Return what a lane's label says about its messages. @param {LaneBars} laneBars */
function noteOf({ lane, count, nRefused, nInterrupted, nFailed, nOpen, nReceived, totalNs }) {
  const received = nReceived ? [`${grouped(nReceived)} received, not timed`] : [];
  if (!count) return received.join("");
  const parts = [];
  if (lane.kind === "sender") parts.push(`${grouped(count)} ${count === 1 ? "send" : "sends"}`);
  else parts.push(`${grouped(count - nFailed - nOpen)} handled`);
  if (nRefused) parts.push(`${grouped(nRefused)} refused`);
  if (nInterrupted) parts.push(`${grouped(nInterrupted)} interrupted`);
  if (nFailed) parts.push(`${grouped(nFailed)} failed`);
  return [...parts, duration(totalNs), ...received].join(", ");
}

/**
 * Return the text that fits on the part of a bar that is in the window.
 * @param {Bar} bar @param {number} width
 */
function textOn(bar, width) {
  if (bar.y1 - bar.y0 < MIN_TEXT_PX) return "";
  const nChars = (Math.min(bar.x1, width) - Math.max(bar.x0, 0) - 6) / CHAR_PX;
  const id = grouped(bar.id);
  const texts = [`${id}: ${bar.kind}`, id];
  if (bar.kind === "blocked" || bar.kind === "failed") texts.splice(1, 0, bar.kind);
  return texts.find((text) => text.length <= nChars) ?? "";
}

/** Fill the lane of waits: with bars if they are few, otherwise with a crowd.
 * @param {Lane} lane @param {Scan} scan
 */
function fillWaiting(lane, scan) {
  const counts = scan.waiting.counts();
  lane.note = maxNote(maxCount(counts), scan.isExact);
  if (!lane.note) return;
  const areFew = scan.isExact && scan.waits.length <= MAX_SINGLE_WAITS;
  const stacked = areFew ? stackWaits(scan) : null;
  if (stacked) addWaitBars(lane, stacked, scan.axis.width);
  else lane.crowd = counts.high;
}

/**
 * Give each wait the first row of the lane that is free; return null if they need too many rows.
 * @param {Scan} scan @returns {{bar: Bar, row: number}[] | null}
 */
function stackWaits({ log, axis, now, waits }) {
  const { send_start_ns, recv_ns } = log.columns;
  const stacked = [];
  /** @type {number[]} where the last wait of each row ends */ const endsPx = [];
  for (const slot of [...waits].sort((a, b) => send_start_ns[a] - send_start_ns[b])) {
    const isReceived = recv_ns[slot] <= now;
    const x0 = axis.px(send_start_ns[slot]);
    const x1 = axis.px(isReceived ? recv_ns[slot] : now);
    // Waits in one row may overlap a little, so that a very short one needs no row of its own.
    let row = endsPx.findIndex((px) => px <= x0 + MERGE_PX);
    if (row < 0) row = endsPx.length;
    if (row >= MAX_WAIT_SLOTS) return null;
    endsPx[row] = x1;
    const place = { x0, x1: Math.max(x1, x0 + MIN_BAR_PX), y0: 0, y1: 0 };
    /** @type {Bar} */
    const bar = { kind: "waiting", id: log.idAt(slot), ...place, isOpen: !isReceived, text: "" };
    stacked.push({ bar, row });
  }
  return stacked;
}

/** @param {Lane} lane @param {{bar: Bar, row: number}[]} stacked @param {number} width */
function addWaitBars(lane, stacked, width) {
  const nRows = stacked.reduce((max, { row }) => Math.max(max, row + 1), MIN_WAIT_ROWS);
  const pitch = (lane.bottom - lane.top - 4) / nRows;
  for (const { bar, row } of stacked) {
    bar.y0 = lane.top + 2 + row * pitch;
    bar.y1 = bar.y0 + pitch - 2;
    bar.text = textOn(bar, width);
    lane.bars.push(bar);
  }
}

/** @param {Flight} flight @param {Scan} scan */
function fillFlight(flight, scan) {
  Object.assign(flight, scan.inFlight.counts());
  flight.note = maxNote(maxCount(flight), scan.isExact);
  const nowX = Math.max(0, Math.ceil(scan.axis.px(scan.now)));
  flight.low.fill(-1, nowX);
  flight.high.fill(-1, nowX);
}

/** @param {number} count @param {boolean} isExact */
function maxNote(count, isExact) {
  return count ? `up to ${isExact ? "" : "about "}${grouped(count)} at once` : "";
}
