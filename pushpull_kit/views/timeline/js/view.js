// One view of a timeline: keeps its state, and draws it when something has changed.

import { draw } from "./drawing.js";
import { chromeTrace, csv, saveFile } from "./export.js";
import { listenToKeys, listenToPointer } from "./input.js";
import { layOut } from "./layout.js";
import { firstInstantOf } from "./log.js";
import { Panel } from "./panel.js";
import { pick } from "./pick.js";
import { Playback } from "./playback.js";
import { Sight } from "./sight.js";
import { Subscription } from "./subscription.js";
import { describeMessage, describeState, headlineAt } from "./texts.js";
import { RIGHT_PX, labelWidth, themeOf } from "./theme.js";
import { TimeWindow } from "./time_window.js";

/** @typedef {import("./layout.js").Scene} Scene */

/** Minimum time between pictures while bars grow. */
const FRAME_MS = 33;
/** The same where reduced motion is wanted; also the minimum time between updates of texts. */
const SLOW_MS = 1000;
/** From one picture to the next at least this many times its duration: the kernel needs the CPU. */
const PAUSE_FACTOR = 3;

const MIN_WIDTH_PX = 50;

export class View {
  panel = new Panel((action) => this[action]());
  timeWindow = new TimeWindow();
  sight = new Sight(() => this.#onSight());
  reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
  wasVisible = true;
  width = 0; // of the picture, in pixels
  /** @type {number | null} id of the message under the pointer */ hovered = null;
  /** @type {number | null} id of the message that was chosen */ chosen = null;
  /** @type {Scene | null} what was drawn last */ scene = null;
  frame = 0; // the request for the next animation frame; 0 if there is none
  isUrgent = false; // draw at the next frame
  // Times in ms, by the page's clock.
  drawn = { at: -Infinity, took: 0 };
  announced = { at: -Infinity, text: "" };
  tableFilledAt = -Infinity;

  /**
   * @param {Subscription} subscription @param {HTMLElement} el
   * @param {AbortSignal} signal ends the view
   */
  constructor(subscription, el, signal) {
    this.subscription = subscription;
    this.playback = new Playback(subscription);
    this.signal = signal;
    el.replaceChildren(this.panel.root);
    this.#listen();
    listenToPointer(this, signal);
    listenToKeys(this, signal);
    this.redraw();
  }

  get log() {
    return this.subscription.log;
  }

  #listen() {
    const { panel, sight, signal, subscription } = this;
    const redraw = () => this.redraw();
    const onBatch = () => {
      this.#comeIntoView();
      this.#schedule();
    };
    subscription.listeners.add(onBatch);
    sight.observe(panel.canvas);
    const sizes = new ResizeObserver(([entry]) => {
      this.width = entry.contentRect.width;
      this.redraw();
    });
    sizes.observe(panel.canvas);
    const themes = new MutationObserver(redraw); // JupyterLab sets attributes of the body
    themes.observe(document.body, { attributes: true });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw, { signal });
    this.reducedMotion.addEventListener("change", redraw, { signal });
    document.addEventListener("visibilitychange", redraw, { signal });
    panel.details.addEventListener("toggle", redraw, { signal });
    panel.slowdown.addEventListener("change", () => this.#setSlowdown(), { signal });
    signal.addEventListener("abort", () => {
      sight.disconnect();
      sizes.disconnect();
      themes.disconnect();
      subscription.listeners.delete(onBatch);
      cancelAnimationFrame(this.frame);
    });
  }

  // Which message is highlighted.

  /** Return the id of the message at a point. @param {number} x @param {number} y */
  pick(x, y) {
    return this.scene && pick(this.log, this.scene, x, y);
  }

  /** @param {number | null} id */
  hover(id) {
    this.hovered = id;
    this.redraw();
  }

  /** Highlight a message, and bring it into the window. @param {number | null} id */
  choose(id) {
    const message = id === null ? null : this.log.message(id);
    this.chosen = message && message.id;
    if (message) {
      const axis = this.#updatedAxis();
      const x = axis.px(firstInstantOf(message));
      const isInside = x >= 0 && x <= axis.width;
      if (!isInside) this.pan(x - axis.width / 2);
    }
    this.redraw();
  }

  /** Choose the message before (-1) or after (1) the chosen one. @param {number} step */
  chooseNeighbor(step) {
    const { oldestId, nextId } = this.log;
    const from = this.chosen ?? (step > 0 ? oldestId - 1 : nextId);
    this.choose(Math.min(nextId - 1, Math.max(oldestId, from + step)));
  }

  // Which instant is shown.

  follow() {
    this.timeWindow.follows = !this.timeWindow.follows || !this.playback.isLive;
    this.playback.goLive();
    this.redraw();
  }

  pause() {
    this.playback.togglePause();
    this.redraw();
  }

  toggleReplay() {
    if (this.playback.replay) this.playback.goLive();
    else this.#startReplay(this.reducedMotion.matches ? null : performance.now());
    this.redraw();
  }

  step() {
    if (this.playback.replay) this.playback.step();
    else this.#startReplay(null);
    this.redraw();
  }

  /** @param {number | null} movedAt null to replay in steps */
  #startReplay(movedAt) {
    this.playback.start(this.#updatedAxis(), movedAt);
    this.#setSlowdown();
  }

  #setSlowdown() {
    this.playback.setSlowdown(this.panel.slowdown.value);
    this.redraw();
  }

  // Which window of time is shown.

  fitAll() {
    this.timeWindow.fitAll();
    this.redraw();
  }

  logTime() {
    this.timeWindow.toggleLogTime(this.timeWindow.fits ? this.log.start : this.timeWindow.start);
    this.redraw();
  }

  zoomIn() {
    this.zoom(0.5);
  }

  zoomOut() {
    this.zoom(2);
  }

  /**
   * Zoom around a pixel; without one, around the chosen message or the middle.
   * @param {number} factor @param {number} [x]
   */
  zoom(factor, x) {
    const axis = this.#updatedAxis();
    this.#show(axis.zoomed(factor, x ?? this.#chosenX(axis) ?? axis.width / 2));
  }

  /** @param {import("./axis.js").Axis} axis */
  #chosenX(axis) {
    const message = this.chosen === null ? null : this.log.message(this.chosen);
    if (!message) return null;
    const isReceived = message.recv_ns <= this.playback.now;
    const x = axis.px(isReceived ? message.recv_ns : firstInstantOf(message));
    return x >= 0 && x <= axis.width ? x : null;
  }

  earlier() {
    this.pan(-this.timeWindow.width / 4);
  }

  later() {
    this.pan(this.timeWindow.width / 4);
  }

  /** @param {number} px */
  pan(px) {
    this.#show(this.#updatedAxis().panned(px));
  }

  /** @param {import("./axis.js").Axis} axis */
  #show(axis) {
    if (Number.isNaN(this.log.start)) return;
    this.timeWindow.show(axis);
    this.redraw();
  }

  // Files.

  savePicture() {
    this.panel.canvas.toBlob((blob) => blob && saveFile("messages.png", blob));
  }

  saveTable() {
    saveFile("messages.csv", new Blob([csv(this.log)], { type: "text/csv" }));
  }

  saveTrace() {
    saveFile("messages.json", new Blob([chromeTrace(this.log)], { type: "application/json" }));
  }

  // When the picture is drawn.

  /** Draw at the next frame. */
  redraw() {
    this.isUrgent = true;
    this.#schedule();
  }

  /** Draw at the first frame at which a picture is due. */
  #schedule() {
    if (this.frame || this.signal.aborted) return;
    this.frame = requestAnimationFrame((at) => this.#onFrame(at));
  }

  /** @param {number} at */
  #onFrame(at) {
    this.frame = 0;
    if (!this.sight.isVisible) return;
    const { drawn, playback, subscription } = this;
    const frameMs = this.reducedMotion.matches ? SLOW_MS : FRAME_MS;
    const isDue = at - drawn.at >= Math.max(frameMs, PAUSE_FACTOR * drawn.took);
    if (!isDue && !this.isUrgent && !playback.replay) {
      this.#schedule();
      return;
    }
    this.isUrgent = false;
    const startedAt = performance.now();
    this.#paint(at);
    this.drawn = { at, took: performance.now() - startedAt };
    subscription.acknowledge();
    const isGrowing = playback.isLive && subscription.isRunning;
    if (isGrowing || playback.isMoving) this.#schedule();
  }

  #onSight() {
    const { isVisible } = this.sight;
    if (isVisible !== this.wasVisible) this.subscription.nHidden += isVisible ? -1 : 1;
    this.wasVisible = isVisible;
    this.#comeIntoView();
    this.redraw();
  }

  /** Scroll to the picture when the first message has come, if the kernel wants that. */
  #comeIntoView() {
    const isWanted = this.subscription.model.get("come_into_view");
    if (isWanted && this.log.nextId > 0) this.sight.scrollTo(this.panel.root);
  }

  /** @param {number} at */
  #paint(at) {
    const { log, panel, playback, subscription } = this;
    if (!this.width) return;
    playback.advance(at);
    const { now } = playback;
    this.#updateWindow(now);
    const { axis } = this.timeWindow;
    this.scene = layOut(log, axis, now);
    const id = this.hovered ?? this.chosen;
    const highlighted = id === null ? null : log.message(id);
    draw(panel.canvas, log, this.scene, themeOf(panel.root), {
      highlighted,
      highWaterMark: subscription.model.get("high_water_mark") ?? null,
      notice: log.nextId ? "" : "no messages yet",
    });
    panel.info.textContent = describeMessage(log, highlighted);
    this.#updateTexts(at);
    if (panel.details.open && at - this.tableFilledAt > SLOW_MS) {
      this.tableFilledAt = at;
      panel.fillTable(log, axis.start, axis.end);
    }
  }

  /** Return the axis as it is now; the last picture may be a second old. */
  #updatedAxis() {
    this.#updateWindow(this.playback.now);
    return this.timeWindow.axis;
  }

  /** @param {number} now */
  #updateWindow(now) {
    const { log, playback, subscription, width, timeWindow } = this;
    timeWindow.width = Math.max(MIN_WIDTH_PX, Math.floor(width) - labelWidth(width) - RIGHT_PX);
    timeWindow.update(now, {
      start: log.start,
      end: playback.replay?.end ?? now,
      minSpanNs: 1e9 * (subscription.model.get("min_span_s") ?? 0),
      isGrowing: subscription.isRunning && !playback.replay,
    });
  }

  /** Bring the texts around the picture up to date. @param {number} at */
  #updateTexts(at) {
    const { log, panel, playback, subscription } = this;
    const { header } = subscription;
    if (header)
      panel.headline.textContent = playback.isLive
        ? header.headline
        : headlineAt(log, playback.now);
    const states = describeState(subscription, playback);
    panel.badge.textContent = states.join(" · ");
    panel.receivedKey.hidden = log.nOnlyReceived === 0;
    panel.root.classList.toggle("pp-disconnected", subscription.isDisconnected);
    panel.setPressed({
      follow: this.timeWindow.follows && playback.isLive,
      pause: playback.paused !== null,
      logTime: this.timeWindow.origin !== null,
      toggleReplay: playback.replay !== null,
    });
    const text = [panel.headline.textContent, ...states].join(" · ");
    panel.canvas.setAttribute("aria-label", `Timeline: ${text}`);
    if (text === this.announced.text || at - this.announced.at <= SLOW_MS) return;
    panel.live.textContent = text;
    this.announced = { at, text };
  }
}
