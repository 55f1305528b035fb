// Draws the whole picture on a canvas, from the scene that layout.js has computed.

import { drawLane } from "./draw_lanes.js";
import { drawMessage } from "./draw_message.js";
import { maxCount } from "./counts.js";
import { grouped } from "./format.js";
import { Log } from "./log.js";
import { COLORS } from "./spec.js";
import { RIGHT_PX, labelWidth, makeFills } from "./theme.js";
import { ticks } from "./ticks.js";

/**
 * @typedef {import("./layout.js").Scene} Scene
 * @typedef {import("./layout.js").Lane} Lane
 * @typedef {import("./log.js").Message} Message
 * @typedef {import("./theme.js").Theme} Theme
 */

/** Opacity of the other bars while one message is highlighted. */
const DIMMED = 0.35;

/** A lane that is higher than this has room for its note. */
const NOTE_FROM_PX = 30;

/** Longer names are cut off before they are measured. */
const MAX_NAME_CHARS = 200;

/** Control characters, and those that change the direction of writing. */
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * @param {HTMLCanvasElement} canvas @param {Log} log @param {Scene} scene @param {Theme} theme
 * @param {{highlighted: Message | null, highWaterMark: number | null, notice: string}} options
 *   `notice` replaces the caption of the axis
 */
export function draw(canvas, log, scene, theme, { highlighted, highWaterMark, notice }) {
  const { axis, lanes } = scene;
  const left = labelWidth(canvas.clientWidth);
  const [width, height] = [left + axis.width + RIGHT_PX, scene.height];
  const pen = resize(canvas, width, height);
  if (!pen) return;
  pen.fillStyle = theme.paper;
  pen.fillRect(0, 0, width, height);
  pen.textBaseline = "middle";
  pen.font = `12px ${theme.font}`;
  drawGrid(pen, scene, theme, left, log.start, notice);
  for (const lane of lanes) drawLabel(pen, lane, theme, left);
  drawLabel(pen, { ...scene.flight, name: "in flight" }, theme, left);
  pen.save();
  pen.beginPath();
  pen.rect(left, 0, axis.width + RIGHT_PX, height);
  pen.clip();
  pen.translate(left, 0);
  const fills = makeFills(pen, theme);
  pen.globalAlpha = highlighted ? DIMMED : 1;
  for (const lane of lanes) drawLane(pen, lane, axis.width, theme, fills);
  pen.globalAlpha = 1;
  drawFlight(pen, scene, theme, highWaterMark);
  if (highlighted) drawMessage(pen, scene, highlighted, theme, fills);
  pen.restore();
}

/**
 * Fit the canvas to the picture and to the resolution of the screen.
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height
 */
function resize(canvas, width, height) {
  const ratio = globalThis.devicePixelRatio || 1;
  const [pxWidth, pxHeight] = [Math.round(width * ratio), Math.round(height * ratio)];
  // Setting a size, even the same one, is slow.
  if (canvas.width !== pxWidth) canvas.width = pxWidth;
  if (canvas.height !== pxHeight) canvas.height = pxHeight;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  pen?.setTransform(ratio, 0, 0, ratio, 0, 0);
  return pen;
}

/**
 * Draw the lines between lanes, the ticks and the caption.
 * @param {CanvasRenderingContext2D} pen @param {Scene} scene
 * @param {Theme} theme @param {number} left @param {number} zero @param {string} notice
 */
function drawGrid(pen, scene, theme, left, zero, notice) {
  const { axis, flight, lanes } = scene;
  const right = left + axis.width;
  const { ticks: shown, caption } = Number.isFinite(zero)
    ? ticks(axis, zero)
    : { ticks: [], caption: "" };
  pen.strokeStyle = theme.rule;
  pen.lineWidth = 1;
  pen.beginPath();
  for (const lane of lanes) {
    pen.moveTo(0, Math.round(lane.bottom) + 0.5);
    pen.lineTo(right, Math.round(lane.bottom) + 0.5);
  }
  for (const { x } of shown) {
    pen.moveTo(left + Math.round(x) + 0.5, 0);
    pen.lineTo(left + Math.round(x) + 0.5, flight.bottom);
  }
  pen.moveTo(left, flight.bottom + 0.5);
  pen.lineTo(right, flight.bottom + 0.5);
  pen.stroke();
  pen.fillStyle = theme.pale;
  for (const { x, label } of shown) {
    const isAtEnd = x > axis.width - 20;
    pen.textAlign = isAtEnd ? "right" : "center";
    pen.fillText(label, left + x + (isAtEnd ? 4 : 0), flight.bottom + 11);
  }
  pen.textAlign = "center";
  pen.fillStyle = theme.ink;
  pen.fillText(notice || caption, left + axis.width / 2, flight.bottom + 29);
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Pick<Lane, "name" | "note" | "top" | "bottom">} lane
 * @param {Theme} theme @param {number} left
 */
function drawLabel(pen, lane, theme, left) {
  const room = left - 14;
  const middle = (lane.top + lane.bottom) / 2;
  const hasNote = lane.bottom - lane.top > NOTE_FROM_PX && lane.note !== "";
  pen.textAlign = "right";
  pen.fillStyle = theme.ink;
  pen.fillText(fitted(pen, lane.name, room), left - 8, hasNote ? middle - 7 : middle);
  if (!hasNote) return;
  pen.font = `11px ${theme.font}`;
  pen.fillStyle = theme.pale;
  pen.fillText(fitted(pen, lane.note, room), left - 8, middle + 8);
  pen.font = `12px ${theme.font}`;
}

/**
 * Return as much of a text as there is room for.
 * @param {CanvasRenderingContext2D} pen @param {string} text @param {number} room
 */
function fitted(pen, text, room) {
  const plain = text.slice(0, MAX_NAME_CHARS).replace(CONTROLS, " ");
  if (pen.measureText(plain).width <= room) return plain;
  const letters = [...plain];
  while (letters.length && pen.measureText(`${letters.join("")}…`).width > room) letters.pop();
  return `${letters.join("")}…`;
}

/**
 * Draw the number of messages in flight, and the high-water mark.
 * @param {CanvasRenderingContext2D} pen @param {Scene} scene @param {Theme} theme
 * @param {number | null} mark
 */
function drawFlight(pen, { flight }, theme, mark) {
  const { top, bottom, low, high } = flight;
  const topCount = Math.max(1, maxCount(flight), mark ?? 0) * 1.05;
  /** @param {number} count */
  const y = (count) => bottom - 1 - (count / topCount) * (bottom - top - 12);
  pen.strokeStyle = theme.ink;
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (let x = 0; x < high.length && high[x] >= 0; x += 1) {
    if (x === 0) pen.moveTo(0, y(low[0]));
    pen.lineTo(x, y(low[x]));
    if (high[x] !== low[x]) pen.lineTo(x, y(high[x]));
    pen.lineTo(x + 1, y(high[x]));
  }
  pen.stroke();
  if (mark !== null) drawHighWaterMark(pen, mark, y(mark), high.length, theme);
}

/**
 * @param {CanvasRenderingContext2D} pen @param {number} mark @param {number} y
 * @param {number} width @param {Theme} theme
 */
function drawHighWaterMark(pen, mark, y, width, theme) {
  pen.save();
  pen.setLineDash([6, 4]);
  pen.strokeStyle = COLORS.blocked;
  pen.lineWidth = 2;
  pen.beginPath();
  pen.moveTo(0, Math.round(y));
  pen.lineTo(width, Math.round(y));
  pen.stroke();
  pen.restore();
  pen.textAlign = "right";
  pen.fillStyle = theme.ink;
  pen.fillText(`high-water mark ${grouped(mark)}`, width - 4, y - 8);
}
