// Handles pointer and keyboard events on the picture.

import { labelWidth } from "./theme.js";

/** @typedef {import("./view.js").View} View */

/** A press that moves less than this is a click. */
const DRAG_FROM_PX = 3;

/** Distance of the wheel for a zoom by the factor e. */
const WHEEL_PX = 300;

/** @param {View} view @param {AbortSignal} signal ends it */
export function listenToPointer(view, signal) {
  const { canvas } = view.panel;
  /** @type {{x: number, isDragged: boolean} | null} */ let press = null;
  /** The pixel of the axis. @param {MouseEvent} event */
  const axisX = (event) => event.offsetX - labelWidth(canvas.clientWidth);
  /** @param {MouseEvent} event */
  const idUnder = (event) => view.pick(axisX(event), event.offsetY);

  /** @param {PointerEvent} event */
  const onDown = (event) => {
    press = { x: event.offsetX, isDragged: false };
    canvas.setPointerCapture(event.pointerId);
  };
  /** @param {PointerEvent} event */
  const onMove = (event) => {
    if (press === null) {
      view.hover(idUnder(event));
      return;
    }
    const movedPx = press.x - event.offsetX;
    if (!press.isDragged && Math.abs(movedPx) <= DRAG_FROM_PX) return;
    view.pan(movedPx);
    press = { x: event.offsetX, isDragged: true };
  };
  /** @param {PointerEvent} event */
  const onUp = (event) => {
    if (press !== null && !press.isDragged) view.choose(idUnder(event));
    press = null;
  };
  const onCancel = () => {
    press = null;
  };
  /** @param {WheelEvent} event */
  const onWheel = (event) => {
    if (!event.ctrlKey && !event.altKey) return; // a plain wheel scrolls the page
    event.preventDefault();
    view.zoom(Math.exp(event.deltaY / WHEEL_PX), axisX(event));
  };

  canvas.addEventListener("pointerdown", onDown, { signal });
  canvas.addEventListener("pointermove", onMove, { signal });
  canvas.addEventListener("pointerup", onUp, { signal });
  canvas.addEventListener("pointercancel", onCancel, { signal });
  canvas.addEventListener("pointerleave", () => view.hover(null), { signal });
  canvas.addEventListener("dblclick", (event) => view.zoom(0.5, axisX(event)), { signal });
  canvas.addEventListener("wheel", onWheel, { signal, passive: false });
}

/** @param {View} view @param {AbortSignal} signal ends it */
export function listenToKeys(view, signal) {
  /** @type {Record<string, (event: KeyboardEvent) => void>} */
  const actions = {
    ArrowRight: (event) => (event.shiftKey ? view.later() : view.chooseNeighbor(1)),
    ArrowLeft: (event) => (event.shiftKey ? view.earlier() : view.chooseNeighbor(-1)),
    Home: () => view.choose(view.log.oldestId),
    End: () => view.choose(view.log.nextId - 1),
    "+": () => view.zoomIn(),
    "=": () => view.zoomIn(),
    "-": () => view.zoomOut(),
    f: () => view.fitAll(),
    " ": () => view.pause(),
    Escape: () => view.choose(null),
  };
  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    if (!(event.key in actions) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    actions[event.key](event);
  };
  view.panel.canvas.addEventListener("keydown", onKey, { signal });
}
