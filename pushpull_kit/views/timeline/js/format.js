// How numbers and durations are written.

import { TIME_UNITS } from "./spec.js";

/** Write a count with separators: 1,234. @param {number} count */
export const grouped = (count) => count.toLocaleString("en-US");

/**
 * Write a number with this many digits after the point.
 * @param {number} value @param {number} digits
 */
export function withDigits(value, digits) {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return value.toLocaleString("en-US", options);
}

/**
 * Write a duration with three digits, as `duration` in units.py does; "–" for an unknown one.
 * @param {number} ns
 */
export function duration(ns) {
  if (ns === 0) return "0 s";
  if (!(ns > 0)) return "–";
  // From 0.9995 on, three digits round to 1.00 of the larger unit.
  const [unit, unitNs] = TIME_UNITS.find(([, size]) => ns >= 0.9995 * size) ?? smallestUnit();
  const value = ns / unitNs;
  const digits = unit === "ns" || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${withDigits(value, digits)} ${unit}`;
}

/** The largest unit of which a time has at least one. @param {number} ns */
export function unitOf(ns) {
  return TIME_UNITS.find(([, size]) => ns >= size) ?? smallestUnit();
}

function smallestUnit() {
  return TIME_UNITS[TIME_UNITS.length - 1];
}

/**
 * Write seconds with enough digits to tell steps of this many ns apart.
 * @param {number} seconds @param {number} stepNs
 */
export function preciseSeconds(seconds, stepNs) {
  const digits = Math.ceil(9 - Math.log10(Math.max(1, stepNs)));
  return seconds.toFixed(Math.min(9, Math.max(0, digits)));
}

/**
 * Return the smallest of 1, 2, 5, 10, 20, ... that is at least this value.
 * @param {number} value @param {number[]} steps
 */
export function roundUp(value, steps = [1, 2, 5, 10]) {
  const power = 10 ** Math.floor(Math.log10(value));
  return (steps.find((step) => step * power >= value * 0.999999) ?? 10) * power;
}
