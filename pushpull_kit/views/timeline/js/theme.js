// Colors, patterns and measures of the picture.

import { COLORS } from "./spec.js";

/**
 * Colors and font of the page around the picture.
 * @typedef {{ink: string, pale: string, rule: string, paper: string, font: string}} Theme
 *
 * What fills the bars of each kind.
 * @typedef {Record<import("./lane_bars.js").Kind, string | CanvasPattern>} Fills
 */

/** Space to the right of the axis, for arrows of unfinished bars. */
export const RIGHT_PX = 12;

/** The width of the column of labels. @param {number} width of the picture */
export function labelWidth(width) {
  if (width < 500) return 118;
  return width < 800 ? 150 : 176;
}

/** @param {Element} element @returns {Theme} */
export function themeOf(element) {
  const style = getComputedStyle(element);
  const [ink, pale, rule, paper] = ["--pp-ink", "--pp-pale", "--pp-rule", "--pp-paper"].map(
    (name) => style.getPropertyValue(name).trim(),
  );
  return { ink, pale, rule, paper, font: style.fontFamily };
}

/** @param {CanvasRenderingContext2D} pen @param {Theme} theme @returns {Fills} */
export function makeFills(pen, theme) {
  return {
    ...COLORS,
    waiting: hatched(pen, COLORS.waiting, "#ffffff", false),
    failed: hatched(pen, theme.paper, theme.ink, true),
  };
}

/**
 * Return a pattern of diagonal lines.
 * @param {CanvasRenderingContext2D} pen @param {string} ground @param {string} line
 * @param {boolean} isCrossed
 */
function hatched(pen, ground, line, isCrossed) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const stroke = tile.getContext("2d");
  if (!stroke) return ground;
  stroke.fillStyle = ground;
  stroke.fillRect(0, 0, 8, 8);
  stroke.strokeStyle = line;
  stroke.lineWidth = 1.6;
  for (const shift of [-8, 0, 8]) {
    stroke.moveTo(shift - 1, 9);
    stroke.lineTo(shift + 9, -1);
    if (!isCrossed) continue;
    stroke.moveTo(shift - 1, -1);
    stroke.lineTo(shift + 9, 9);
  }
  stroke.stroke();
  return pen.createPattern(tile, "repeat") ?? ground;
}
