// How it looks: a scene of `geometry.js` on a canvas.

import { Log } from "./log.js";
import { grouped, ticks } from "./axis.js";

/**
 * @typedef {import("./geometry.js").Scene} Scene
 * @typedef {import("./geometry.js").Lane} Lane
 * @typedef {import("./geometry.js").Bar} Bar
 * @typedef {import("./log.js").Message} Message
 * @typedef {{ink: string, pale: string, rule: string, paper: string, font: string}} Theme
 */

/** Safe for color-blind eyes, and told apart by pattern and outline too. */
const FACES = {
  sending: "#0072B2",
  blocked: "#D55E00",
  waiting: "#E69F00",
  handling: "#009E73",
  failed: "#808080",
};

/** The width of the column of labels. @param {number} width of all */
export function labelWidth(width) {
  return width < 500 ? 118 : width < 800 ? 150 : 176;
}

/** Room at the right for what reaches out of the window. */
export const RIGHT_PX = 12;

/**
 * Colors and font as the page around has them.
 * @param {Element} element @returns {Theme}
 */
export function themeOf(element) {
  const style = getComputedStyle(element);
  const of = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  const [ink, pale, rule, paper] = ["--pp-ink", "--pp-pale", "--pp-rule", "--pp-paper"].map(of);
  return { ink, pale, rule, paper, font: style.fontFamily };
}

/**
 * Draw all of it.
 * @param {HTMLCanvasElement} canvas @param {Log} log @param {Scene} scene @param {Theme} theme
 * @param {{chosen: Message | null, highWaterMark: number | null, message: string}} what
 *   `message` is written across where there is nothing to be seen
 */
export function draw(canvas, log, scene, theme, { chosen, highWaterMark, message }) {
  const { axis } = scene;
  const left = labelWidth(canvas.clientWidth);
  const ratio = globalThis.devicePixelRatio || 1;
  const [width, height] = [left + axis.width + RIGHT_PX, scene.height];
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  if (!pen) return;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.fillStyle = theme.paper;
  pen.fillRect(0, 0, width, height);
  pen.textBaseline = "middle";
  pen.font = `12px ${theme.font}`;
  drawFrame(pen, scene, theme, left, log.beginning, message);
  for (const lane of scene.lanes) drawLabel(pen, lane, theme, left);
  drawLabel(pen, { ...scene.flight, name: "in flight" }, theme, left);
  pen.save();
  pen.beginPath();
  pen.rect(left, 0, axis.width + RIGHT_PX, height);
  pen.clip();
  pen.translate(left, 0);
  const hatches = makeHatches(pen, theme);
  pen.globalAlpha = chosen ? 0.35 : 1;
  for (const lane of scene.lanes) drawLane(pen, lane, axis.width, theme, hatches);
  pen.globalAlpha = 1;
  drawFlight(pen, scene, theme, highWaterMark);
  if (chosen) drawChosen(pen, scene, chosen, theme, hatches);
  pen.restore();
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Scene} scene @param {Theme} theme
 * @param {number} left @param {number} zero @param {string} message
 */
function drawFrame(pen, scene, theme, left, zero, message) {
  const { axis, flight, lanes } = scene;
  pen.strokeStyle = theme.rule;
  pen.lineWidth = 1;
  pen.beginPath();
  for (const lane of lanes) {
    pen.moveTo(0, Math.round(lane.bottom) + 0.5);
    pen.lineTo(left + axis.width, Math.round(lane.bottom) + 0.5);
  }
  const known = Number.isFinite(zero);
  const { ticks: shown, caption } = known ? ticks(axis, zero) : { ticks: [], caption: "" };
  for (const { x } of shown) {
    pen.moveTo(left + Math.round(x) + 0.5, 0);
    pen.lineTo(left + Math.round(x) + 0.5, flight.bottom);
  }
  pen.moveTo(left, flight.bottom + 0.5);
  pen.lineTo(left + axis.width, flight.bottom + 0.5);
  pen.stroke();
  pen.fillStyle = theme.pale;
  for (const { x, label } of shown) {
    pen.textAlign = x > axis.width - 20 ? "right" : "center";
    pen.fillText(label, left + x + (x > axis.width - 20 ? 4 : 0), flight.bottom + 11);
  }
  pen.textAlign = "center";
  pen.fillStyle = theme.ink;
  pen.fillText(message || caption, left + axis.width / 2, flight.bottom + 29);
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Pick<Lane, "name" | "note" | "top" | "bottom">} lane
 * @param {Theme} theme @param {number} left
 */
function drawLabel(pen, lane, theme, left) {
  const [high, room] = [lane.bottom - lane.top, left - 14];
  const middle = (lane.top + lane.bottom) / 2;
  const two = high > 30 && lane.note !== "";
  pen.textAlign = "right";
  pen.fillStyle = theme.ink;
  pen.fillText(fitted(pen, lane.name, room), left - 8, two ? middle - 7 : middle);
  if (!two) return;
  pen.font = `11px ${theme.font}`;
  pen.fillStyle = theme.pale;
  pen.fillText(fitted(pen, lane.note, room), left - 8, middle + 8);
  pen.font = `12px ${theme.font}`;
}

/**
 * As much of a text as there is room for.
 * @param {CanvasRenderingContext2D} pen @param {string} text @param {number} room
 */
function fitted(pen, text, room) {
  const plain = text
    .slice(0, 200)
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, " ");
  if (pen.measureText(plain).width <= room) return plain;
  const letters = [...plain];
  while (letters.length && pen.measureText(`${letters.join("")}…`).width > room) letters.pop();
  return `${letters.join("")}…`;
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Theme} theme
 * @returns {Record<string, string | CanvasPattern>}
 */
function makeHatches(pen, theme) {
  /**
   * @param {string} face @param {string} line @param {boolean} crossed
   * @returns {string | CanvasPattern}
   */
  const hatch = (face, line, crossed) => {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 8;
    const stroke = tile.getContext("2d");
    if (!stroke) return face;
    stroke.fillStyle = face;
    stroke.fillRect(0, 0, 8, 8);
    stroke.strokeStyle = line;
    stroke.lineWidth = 1.6;
    for (const shift of [-8, 0, 8]) {
      stroke.moveTo(shift - 1, 9);
      stroke.lineTo(shift + 9, -1);
      if (crossed) (stroke.moveTo(shift - 1, -1), stroke.lineTo(shift + 9, 9));
    }
    stroke.stroke();
    return pen.createPattern(tile, "repeat") ?? face;
  };
  return {
    ...FACES,
    waiting: hatch(FACES.waiting, "#ffffff", false),
    failed: hatch(theme.paper, theme.ink, true),
  };
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Lane} lane @param {number} width
 * @param {Theme} theme
 * @param {Record<string, string | CanvasPattern>} hatches
 */
function drawLane(pen, lane, width, theme, hatches) {
  const pad = lane.bottom - lane.top > 20 ? 4 : 1.5;
  const high = lane.bottom - lane.top - 2 * pad;
  if (lane.crowd) drawCrowd(pen, lane, lane.crowd, hatches.waiting);
  let [at, floor] = [-1, 0];
  for (const { kind, x, share } of lane.columns) {
    if (x !== at) [at, floor] = [x, lane.bottom - pad];
    pen.fillStyle = kind === "failed" ? theme.ink : hatches[kind];
    pen.fillRect(x, floor - share * high, 1.25, share * high);
    floor -= share * high;
  }
  for (const bar of lane.bars) drawBar(pen, bar, width, theme, hatches);
  for (const [x, mark] of lane.marks) {
    const y = (lane.top + lane.bottom) / 2;
    pen.strokeStyle = theme.ink;
    pen.lineWidth = 1.8;
    pen.beginPath();
    if (mark === "refused") {
      (pen.moveTo(x - 4, y - 4),
        pen.lineTo(x + 4, y + 4),
        pen.moveTo(x - 4, y + 4),
        pen.lineTo(x + 4, y - 4));
    } else {
      (pen.moveTo(x, y - 5),
        pen.lineTo(x + 5, y),
        pen.lineTo(x, y + 5),
        pen.lineTo(x - 5, y),
        pen.closePath());
    }
    pen.stroke();
  }
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Bar} bar @param {number} width of the window
 * @param {Theme} theme @param {Record<string, string | CanvasPattern>} hatches
 */
function drawBar(pen, bar, width, theme, hatches) {
  const [x0, x1, high] = [Math.max(bar.x0, -20), Math.min(bar.x1, width + 20), bar.y1 - bar.y0];
  pen.fillStyle = hatches[bar.kind];
  pen.fillRect(x0, bar.y0, x1 - x0, high);
  const outlined = bar.kind === "blocked" || bar.kind === "failed";
  pen.strokeStyle = outlined ? theme.ink : theme.paper;
  pen.lineWidth = bar.kind === "blocked" ? 2.5 : 1;
  if (x1 - x0 > 4) pen.strokeRect(x0 + 0.5, bar.y0 + 0.5, x1 - x0 - 1, high - 1);
  if (bar.open) {
    pen.fillStyle = bar.kind === "failed" ? theme.ink : FACES[bar.kind];
    const half = Math.min(5, high / 2);
    const y = bar.y0 + high / 2;
    pen.beginPath();
    (pen.moveTo(x1, y - half), pen.lineTo(x1 + half, y), pen.lineTo(x1, y + half));
    pen.fill();
  }
  if (!bar.text) return;
  const hatched = bar.kind === "waiting" || bar.kind === "failed";
  const middle = (Math.max(x0, 0) + Math.min(x1, width)) / 2;
  pen.textAlign = "center";
  pen.font = `${high < 15 ? 10 : 12}px ${theme.font}`;
  if (hatched) {
    const wide = pen.measureText(bar.text).width + 6;
    pen.fillStyle = bar.kind === "failed" ? theme.paper : "#ffffff";
    pen.fillRect(middle - wide / 2, bar.y0 + 1, wide, high - 2);
  }
  pen.fillStyle =
    bar.kind === "waiting" ? "#222222" : bar.kind === "failed" ? theme.ink : "#ffffff";
  pen.fillText(bar.text, middle, bar.y0 + high / 2 + 0.5);
  pen.font = `12px ${theme.font}`;
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Lane} lane @param {Int32Array} crowd
 * @param {string | CanvasPattern} face
 */
function drawCrowd(pen, lane, crowd, face) {
  const [floor, high] = [lane.bottom - 3, lane.bottom - lane.top - 8];
  const most = Math.max(...crowd);
  pen.fillStyle = face;
  pen.beginPath();
  pen.moveTo(0, floor);
  crowd.forEach((count, x) => pen.lineTo(x, floor - (count / most) * high));
  pen.lineTo(crowd.length, floor);
  pen.fill();
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Scene} scene @param {Theme} theme
 * @param {number | null} mark
 */
function drawFlight(pen, scene, theme, mark) {
  const { top, bottom, low, high } = scene.flight;
  const most = high.reduce((a, b) => Math.max(a, b), 0);
  const reach = Math.max(1, most, mark ?? 0) * 1.05;
  const y = (/** @type {number} */ count) => bottom - 1 - (count / reach) * (bottom - top - 12);
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
  if (mark !== null) {
    pen.save();
    pen.setLineDash([6, 4]);
    pen.strokeStyle = FACES.blocked;
    pen.lineWidth = 2;
    pen.beginPath();
    pen.moveTo(0, Math.round(y(mark)));
    pen.lineTo(high.length, Math.round(y(mark)));
    pen.stroke();
    pen.restore();
    pen.textAlign = "right";
    pen.fillStyle = theme.ink;
    pen.fillText(`high-water mark ${grouped(mark)}`, high.length - 4, y(mark) - 8);
  }
}

/**
 * One message, over all lanes.
 * @param {CanvasRenderingContext2D} pen @param {Scene} scene @param {Message} message
 * @param {Theme} theme @param {Record<string, string | CanvasPattern>} hatches
 */
function drawChosen(pen, scene, message, theme, hatches) {
  const { axis, now, lanes } = scene;
  const until = (/** @type {number} */ ns) => axis.px(ns <= now ? ns : now);
  const parts = [];
  const sender = lanes.find((lane) => lane.kind === "sender" && lane.lane === message.sender);
  const worker = lanes.find((lane) => lane.kind === "worker" && lane.lane === message.worker);
  const waiting = lanes.find((lane) => lane.kind === "waiting");
  const gaveUp = message.outcome === "refused" || message.outcome === "interrupted";
  const [start, received] = [axis.px(message.sendStart), until(message.recv)];
  const waitBar = waiting?.bars.find((bar) => bar.number === message.number);
  if (sender)
    parts.push({ lane: sender, x0: start, x1: until(message.sendEnd), kind: "sending", bar: null });
  if (sender && waiting && !gaveUp && message.outcome !== "sending") {
    parts.push({ lane: waiting, x0: start, x1: received, kind: "waiting", bar: waitBar });
  }
  if (worker && message.recv <= now) {
    const kind = message.outcome === "failed" ? "failed" : "handling";
    parts.push({
      lane: worker,
      x0: axis.px(message.recv),
      x1: until(message.done),
      kind,
      bar: null,
    });
  }
  pen.strokeStyle = theme.ink;
  pen.lineWidth = 1;
  pen.setLineDash([2, 2]);
  pen.beginPath();
  if (sender && waiting && !gaveUp)
    (pen.moveTo(start, sender.bottom - 4), pen.lineTo(start, waitBar?.y0 ?? waiting.top));
  if (worker && waiting && message.recv <= now) {
    (pen.moveTo(received, waitBar?.y1 ?? waiting.top), pen.lineTo(received, worker.top + 4));
  }
  pen.stroke();
  pen.setLineDash([]);
  for (const { lane, x0, x1, kind, bar } of parts) {
    const own = lane.bars.find((it) => it.number === message.number && it !== waitBar) ?? bar;
    const pad = lane.bottom - lane.top > 20 ? 4 : 1.5;
    const [y0, y1] = own ? [own.y0, own.y1] : [lane.top + pad, lane.bottom - pad];
    const wide = Math.max(x1 - x0, 3);
    if (own) drawBar(pen, own, axis.width, theme, hatches);
    else {
      pen.fillStyle = hatches[kind];
      pen.fillRect(x0, y0, wide, y1 - y0);
    }
    pen.strokeStyle = theme.ink;
    pen.lineWidth = 2;
    pen.strokeRect(x0 - 1, y0 - 1, wide + 2, y1 - y0 + 2);
  }
}
