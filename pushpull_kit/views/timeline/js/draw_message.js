// Draws one message over all lanes: its bars and marks, outlined, and the lines that connect them.

import { addLine, drawBar, drawMark } from "./draw_lanes.js";
import { lanePadding } from "./layout.js";
import { OUTCOMES, REFUSED } from "./spec.js";

/**
 * @typedef {import("./layout.js").Lane} Lane
 * @typedef {import("./layout.js").Scene} Scene
 * @typedef {import("./lane_bars.js").Bar} Bar
 * @typedef {import("./lane_bars.js").Kind} Kind
 * @typedef {import("./log.js").Message} Message
 * @typedef {import("./theme.js").Theme} Theme
 * @typedef {import("./theme.js").Fills} Fills
 * @typedef {{lane: Lane, kind: Kind, x0: number, x1: number, bar: Bar | undefined}} Part
 *   `bar` is undefined for a part that was merged into stripes or a crowd
 */

/** Minimum width of the outline. */
const MIN_PART_PX = 3;

/**
 * @param {CanvasRenderingContext2D} pen @param {Scene} scene @param {Message} message
 * @param {Theme} theme @param {Fills} fills
 */
export function drawMessage(pen, scene, message, theme, fills) {
  const { send, wait, handling, receipt } = partsOf(scene, message);
  drawConnections(pen, scene, message, theme);
  for (const part of [send, wait, handling]) {
    if (part) drawPart(pen, part, scene.axis.width, theme, fills);
  }
  if (receipt) drawReceipt(pen, receipt, theme);
}

/** Half the size of the outline of a mark. */
const MARK_WIDTH_PX = 4;
const MARK_HEIGHT_PX = 8;

/** @param {Message} message */
const isGivenUp = ({ outcome }) => OUTCOMES.indexOf(outcome) >= REFUSED;

/** @param {Lane | undefined} lane @param {Message} message */
const barOf = (lane, { id }) => lane?.bars.find((bar) => bar.id === id);

/** Return the lanes that a message passes. @param {Scene} scene @param {Message} message */
function lanesOfMessage({ lanes }, message) {
  return {
    sender: lanes.find((lane) => lane.kind === "sender" && lane.lane === message.sender),
    waiting: lanes.find((lane) => lane.kind === "waiting"),
    worker: lanes.find((lane) => lane.kind === "worker" && lane.lane === message.worker),
  };
}

/** Return what a message did, as of `scene.now`. @param {Scene} scene @param {Message} message */
function partsOf(scene, message) {
  const { axis, now } = scene;
  const { sender, waiting, worker } = lanesOfMessage(scene, message);
  const waits = sender && !isGivenUp(message) && message.outcome !== "sending";
  const isReceived = message.recv_ns <= now;
  /** @param {number} ns */
  const px = (ns) => axis.px(ns <= now ? ns : now);
  const startX = axis.px(message.send_start_ns);
  /** @param {Lane | undefined} lane @param {Kind} kind @param {number} x0 @param {number} end */
  const part = (lane, kind, x0, end) =>
    lane && { lane, kind, x0, x1: px(end), bar: barOf(lane, message) };
  const handlingKind = message.outcome === "failed" ? "failed" : "handling";
  return {
    send: part(sender, "sending", startX, message.send_end_ns),
    wait: waits && part(waiting, "waiting", startX, message.recv_ns),
    handling:
      isReceived &&
      !message.isOnlyReceived &&
      part(worker, handlingKind, px(message.recv_ns), message.done_ns),
    receipt:
      isReceived && message.isOnlyReceived && part(worker, "handling", px(message.recv_ns), NaN),
  };
}

/**
 * Draw dashed lines from the sender to the wait, and from the wait to the worker.
 * @param {CanvasRenderingContext2D} pen @param {Scene} scene @param {Message} message
 * @param {Theme} theme
 */
function drawConnections(pen, scene, message, theme) {
  const { axis, now } = scene;
  const { sender, waiting, worker } = lanesOfMessage(scene, message);
  if (!waiting) return;
  const waitBar = barOf(waiting, message);
  pen.strokeStyle = theme.ink;
  pen.lineWidth = 1;
  pen.setLineDash([2, 2]);
  pen.beginPath();
  if (sender && !isGivenUp(message)) {
    const x = axis.px(message.send_start_ns);
    addLine(pen, [[x, sender.bottom - 4], [x, waitBar?.y0 ?? waiting.top]]); // prettier-ignore
  }
  if (worker && message.recv_ns <= now) {
    const x = axis.px(message.recv_ns);
    addLine(pen, [[x, waitBar?.y1 ?? waiting.top], [x, worker.top + 4]]); // prettier-ignore
  }
  pen.stroke();
  pen.setLineDash([]);
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Part} part @param {number} width of the axis
 * @param {Theme} theme @param {Fills} fills
 */
function drawPart(pen, { lane, kind, x0, x1, bar }, width, theme, fills) {
  const padding = lanePadding(lane);
  const y0 = bar ? bar.y0 : lane.top + padding;
  const y1 = bar ? bar.y1 : lane.bottom - padding;
  const partWidth = Math.max(x1 - x0, MIN_PART_PX);
  if (bar) drawBar(pen, bar, width, theme, fills);
  else {
    pen.fillStyle = fills[kind];
    pen.fillRect(x0, y0, partWidth, y1 - y0);
  }
  pen.strokeStyle = theme.ink;
  pen.lineWidth = 2;
  pen.strokeRect(x0 - 1, y0 - 1, partWidth + 2, y1 - y0 + 2);
}

/** @param {CanvasRenderingContext2D} pen @param {Part} part @param {Theme} theme */
function drawReceipt(pen, { lane, x0 }, theme) {
  const y = (lane.top + lane.bottom) / 2;
  drawMark(pen, x0, y, "received", theme);
  pen.lineWidth = 2;
  pen.strokeRect(x0 - MARK_WIDTH_PX, y - MARK_HEIGHT_PX, 2 * MARK_WIDTH_PX, 2 * MARK_HEIGHT_PX);
}
