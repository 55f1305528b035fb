// Finds the message at a point, and the next instant at which something happens.

import { doneInstant } from "./columns.js";
import { Log } from "./log.js";

/** A message in a stripe or at a mark is found from this distance. */
const NEAR_PX = 4;

/**
 * Return the id of the message at a point, or null.
 * @param {Log} log @param {import("./layout.js").Scene} scene @param {number} x @param {number} y
 */
export function pick(log, scene, x, y) {
  const lane = scene.lanes.find((it) => y >= it.top && y < it.bottom);
  if (!lane) return null;
  const bar = lane.bars.findLast(
    (it) => x >= it.x0 - 1 && x <= it.x1 + 1 && y >= it.y0 - 1 && y <= it.y1 + 1,
  );
  if (bar) return bar.id;
  const hasStripes = lane.kind === "sender" || lane.kind === "worker";
  return hasStripes ? nearest(log, scene, lane, x) : null;
}

/**
 * Return the id of the message of a lane that is nearest in time to a pixel, or null.
 * @param {Log} log @param {import("./layout.js").Scene} scene
 * @param {import("./layout.js").Lane} lane @param {number} x
 */
function nearest(log, { axis, now }, lane, x) {
  const { send_start_ns, send_end_ns, recv_ns, sender, worker } = log.columns;
  const isSender = lane.kind === "sender";
  const lanes = isSender ? sender : worker;
  const starts = isSender ? send_start_ns : recv_ns;
  /** @param {number} slot */
  const endOf = (slot) => (isSender ? send_end_ns[slot] : doneInstant(log.columns, slot));
  const at = axis.from + x / axis.scale;
  let nearestSlot = -1;
  let minDistance = NEAR_PX / axis.scale;
  for (const { from, to } of log.chunksBetween(axis.at(x - NEAR_PX), axis.at(x + NEAR_PX))) {
    for (let slot = from; slot < to; slot += 1) {
      if (lanes[slot] !== lane.lane || !(starts[slot] <= now)) continue;
      const end = endOf(slot) <= now ? endOf(slot) : now;
      const distance = Math.max(axis.bend(starts[slot]) - at, at - axis.bend(end), 0);
      if (distance < minDistance) [nearestSlot, minDistance] = [slot, distance];
    }
  }
  return nearestSlot < 0 ? null : log.idAt(nearestSlot);
}

/**
 * Return the first instant of any message after `now`, or null.
 * @param {Log} log @param {number} now
 */
export function nextInstant(log, now) {
  const { send_start_ns, send_end_ns, recv_ns, done_ns } = log.columns;
  let next = Infinity;
  for (const { from, to } of log.chunksBetween(now, Infinity)) {
    for (const column of [send_start_ns, send_end_ns, recv_ns, done_ns]) {
      for (let slot = from; slot < to; slot += 1) {
        if (column[slot] > now && column[slot] < next) next = column[slot];
      }
    }
  }
  return next < Infinity ? next : null;
}
