// Positions and labels of the ticks on the time axis.

import { Axis } from "./axis.js";
import { preciseSeconds, roundUp, unitOf, withDigits } from "./format.js";

/**
 * @typedef {{x: number, label: string}} Tick
 * @typedef {{ticks: Tick[], caption: string}} Ticks
 */

/** Minimum distance of two labels on a logarithmic axis. */
const LABEL_PX = 52;

/** From this many steps after zero on, labels count from the first tick: the numbers get long. */
const MAX_STEPS_FROM_ZERO = 10_000;

/**
 * Return the ticks of an axis and its caption.
 * @param {Axis} axis @param {number} zero the instant that is called 0 @returns {Ticks}
 */
export function ticks(axis, zero) {
  return axis.origin === null ? linearTicks(axis, zero) : logTicks(axis, axis.origin, zero);
}

/** @param {Axis} axis @param {number} zero @returns {Ticks} */
function linearTicks(axis, zero) {
  const span = axis.end - axis.start;
  const step = roundUp(span / Math.max(2, axis.width / 90));
  const first = Math.ceil((axis.start - zero) / step) * step;
  const reach = Math.max(Math.abs(axis.start - zero), Math.abs(axis.end - zero));
  const far = reach / step >= MAX_STEPS_FROM_ZERO;
  const [unit, unitNs] = unitOf(far ? span : reach);
  const digits = Math.max(0, -Math.floor(Math.log10(step / unitNs) + 1e-9));
  const shown = [];
  for (let n = 0; zero + first + n * step <= axis.end; n += 1) {
    const time = first + n * step;
    const label = withDigits((far ? time - first : time) / unitNs, digits);
    shown.push({ x: axis.px(zero + first + n * step), label: far && n ? `+${label}` : label });
  }
  const caption = far
    ? `in ${unit} after ${preciseSeconds(first / 1e9, step)} s`
    : `time since the first message, in ${unit}`;
  return { ticks: shown, caption };
}

/** @param {Axis} axis @param {number} origin @param {number} zero @returns {Ticks} */
function logTicks(axis, origin, zero) {
  const decades = (axis.to - axis.from) / Math.LN10;
  const steps = decades < 2.5 ? [1, 2, 5] : [1];
  const found = [{ x: axis.px(origin), label: "0" }];
  for (let power = 1; power < 1e17; power *= 10) {
    for (const step of steps) {
      const ns = step * power;
      const [unit, unitNs] = unitOf(ns);
      const label = `${(ns / unitNs).toLocaleString("en-US")} ${unit}`;
      found.push({ x: axis.px(origin + ns), label });
    }
  }
  const after = origin - zero;
  const when =
    Math.abs(after) < 1
      ? "the first message"
      : `${preciseSeconds(after / 1e9, axis.end - axis.start)} s`;
  return { ticks: apart(found, axis.width), caption: `time after ${when}, logarithmic` };
}

/**
 * Return the ticks inside the window that have room for their labels.
 * @param {Tick[]} found from left to right @param {number} width
 */
function apart(found, width) {
  const shown = [];
  let lastX = -Infinity;
  for (const tick of found) {
    if (tick.x < -1 || tick.x > width + 1 || tick.x - lastX <= LABEL_PX) continue;
    shown.push(tick);
    lastX = tick.x;
  }
  return shown;
}
