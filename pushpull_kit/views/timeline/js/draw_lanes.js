// Draws lanes: bars, stripes (merged bars), crowds (too many waits for bars), and marks.

import { lanePadding } from "./layout.js";
import { COLORS } from "./spec.js";

/**
 * @typedef {import("./layout.js").Lane} Lane
 * @typedef {import("./lane_bars.js").Bar} Bar
 * @typedef {import("./theme.js").Theme} Theme
 * @typedef {import("./theme.js").Fills} Fills
 */

/** Bars are cut off at this distance from the window. */
const OUTSIDE_BAR_PX = 20;

/** Colors of texts and grounds that are the same in every theme. */
const DARK = "#222222";
const LIGHT = "#ffffff";

/**
 * Add a line through these points to the path.
 * @param {CanvasRenderingContext2D} pen @param {[number, number][]} points
 */
export function addLine(pen, [start, ...others]) {
  pen.moveTo(...start);
  for (const point of others) pen.lineTo(...point);
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Lane} lane @param {number} width of the axis
 * @param {Theme} theme @param {Fills} fills
 */
export function drawLane(pen, lane, width, theme, fills) {
  if (lane.crowd) drawCrowd(pen, lane, lane.crowd, fills.waiting);
  drawStripes(pen, lane, theme, fills);
  for (const bar of lane.bars) drawBar(pen, bar, width, theme, fills);
  for (const [x, mark] of lane.marks) drawMark(pen, x, (lane.top + lane.bottom) / 2, mark, theme);
}

/**
 * Draw how many messages wait, as an area.
 * @param {CanvasRenderingContext2D} pen @param {Lane} lane @param {Int32Array} crowd
 * @param {string | CanvasPattern} fill
 */
function drawCrowd(pen, lane, crowd, fill) {
  const floor = lane.bottom - 3;
  const height = lane.bottom - lane.top - 8;
  const max = Math.max(...crowd);
  pen.fillStyle = fill;
  pen.beginPath();
  pen.moveTo(0, floor);
  crowd.forEach((count, x) => pen.lineTo(x, floor - (count / max) * height));
  pen.lineTo(crowd.length, floor);
  pen.fill();
}

/**
 * Draw stripes; the stripes of one pixel stand on each other.
 * @param {CanvasRenderingContext2D} pen @param {Lane} lane @param {Theme} theme
 * @param {Fills} fills
 */
function drawStripes(pen, lane, theme, fills) {
  const padding = lanePadding(lane);
  const laneHeight = lane.bottom - lane.top - 2 * padding;
  let [lastX, floor] = [-1, 0];
  for (const { kind, x, share } of lane.stripes) {
    if (x !== lastX) [lastX, floor] = [x, lane.bottom - padding];
    const height = share * laneHeight;
    pen.fillStyle = kind === "failed" ? theme.ink : fills[kind];
    pen.fillRect(x, floor - height, 1.25, height);
    floor -= height;
  }
}

/**
 * @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y
 * @param {import("./layout.js").Mark} mark @param {Theme} theme
 */
export function drawMark(pen, x, y, mark, theme) {
  pen.strokeStyle = theme.ink;
  pen.lineWidth = 1.8;
  pen.beginPath();
  if (mark === "refused") {
    addLine(pen, [[x - 4, y - 4], [x + 4, y + 4]]); // prettier-ignore
    addLine(pen, [[x - 4, y + 4], [x + 4, y - 4]]); // prettier-ignore
  } else if (mark === "received") {
    addLine(pen, [[x, y - 5], [x, y + 5]]); // prettier-ignore
  } else {
    addLine(pen, [[x, y - 5], [x + 5, y], [x, y + 5], [x - 5, y]]); // prettier-ignore
    pen.closePath();
  }
  pen.stroke();
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Bar} bar @param {number} width of the axis
 * @param {Theme} theme @param {Fills} fills
 */
export function drawBar(pen, bar, width, theme, fills) {
  const x0 = Math.max(bar.x0, -OUTSIDE_BAR_PX);
  const x1 = Math.min(bar.x1, width + OUTSIDE_BAR_PX);
  const height = bar.y1 - bar.y0;
  pen.fillStyle = fills[bar.kind];
  pen.fillRect(x0, bar.y0, x1 - x0, height);
  const isOutlined = bar.kind === "blocked" || bar.kind === "failed";
  pen.strokeStyle = isOutlined ? theme.ink : theme.paper;
  pen.lineWidth = bar.kind === "blocked" ? 2.5 : 1;
  if (x1 - x0 > 4) pen.strokeRect(x0 + 0.5, bar.y0 + 0.5, x1 - x0 - 1, height - 1);
  if (bar.isOpen) drawArrow(pen, bar, x1, theme);
  if (bar.text) drawText(pen, bar, (Math.max(x0, 0) + Math.min(x1, width)) / 2, theme);
}

/**
 * Draw the arrow at the end of an unfinished bar.
 * @param {CanvasRenderingContext2D} pen @param {Bar} bar @param {number} x @param {Theme} theme
 */
function drawArrow(pen, bar, x, theme) {
  const height = bar.y1 - bar.y0;
  const half = Math.min(5, height / 2);
  const y = bar.y0 + height / 2;
  pen.fillStyle = bar.kind === "failed" ? theme.ink : COLORS[bar.kind];
  pen.beginPath();
  addLine(pen, [[x, y - half], [x + half, y], [x, y + half]]); // prettier-ignore
  pen.fill();
}

/**
 * Draw the text of a bar; on a hatched bar, it has a ground of its own.
 * @param {CanvasRenderingContext2D} pen @param {Bar} bar @param {number} x of its middle
 * @param {Theme} theme
 */
function drawText(pen, bar, x, theme) {
  const height = bar.y1 - bar.y0;
  let [ink, ground] = [LIGHT, ""];
  if (bar.kind === "waiting") [ink, ground] = [DARK, LIGHT];
  if (bar.kind === "failed") [ink, ground] = [theme.ink, theme.paper];
  pen.textAlign = "center";
  pen.font = `${height < 15 ? 10 : 12}px ${theme.font}`;
  if (ground) {
    const width = pen.measureText(bar.text).width + 6;
    pen.fillStyle = ground;
    pen.fillRect(x - width / 2, bar.y0 + 1, width, height - 2);
  }
  pen.fillStyle = ink;
  pen.fillText(bar.text, x, bar.y0 + height / 2 + 0.5);
  pen.font = `12px ${theme.font}`;
}
