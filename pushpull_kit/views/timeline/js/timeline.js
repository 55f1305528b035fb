// The live view: what a person looks at and presses.

import { Axis, grouped, nice } from "./axis.js";
import { layOut, nextInstant, pick } from "./geometry.js";
import { RIGHT_PX, draw, labelWidth, themeOf } from "./drawing.js";
import { Source } from "./source.js";
import { Panel, figures, first, headlineAt, make } from "./panel.js";

/** @typedef {import("./geometry.js").Scene} Scene */
/** @typedef {import("./source.js").Model} Model */
/** @typedef {import("./panel.js").Action} Action */

/** Growing bars are drawn so often at the most; where motion is to be reduced, once a second. */
const FRAME_MS = 33;
const STILL_MS = 1000;
/**
 * After a frame that took long, the page leaves the machine to the kernel for so many times longer.
 */
const REST = 3;
/** A replay takes about so long, unless it is told how much to slow down. */
const REPLAY_NS = 6e9;
/** A picture of which so much is on the screen has come into sight; it tries to for so long. */
const WHOLE = 0.9;
const COME_MS = 3000;

export class View {
  panel = new Panel((action) => this[action]());
  reduced = matchMedia("(prefers-reduced-motion: reduce)");
  // The window: everything, or from here to there, and whether it moves on with the newest.
  fit = true;
  follows = true;
  window = { begin: 0, end: 1e9 };
  /** @type {number | null} the zero of a logarithmic axis */ origin = null;
  // The time that is shown: the present, unless it stands still, or is replayed.
  /** @type {number | null} */ paused = null;
  /** @type {{at: number, end: number, slowed: number, last: number | null} | null} */ replay =
    null;
  // The message that is lit up.
  /** @type {number | null} */ hovered = null;
  /** @type {number | null} */ focused = null;
  // Drawing.
  /** @type {Scene | null} */ scene = null;
  width = 0;
  /** @type {number | null} how much of the picture is on the screen, once it is known */ share =
    null;
  /** @type {number | null} when it began to come into sight */ came = null;
  frame = 0;
  urgent = false;
  drawn = { at: -Infinity, took: 0 };
  told = { at: -Infinity, text: "" };
  tabledAt = -Infinity;

  /** @param {Source} source @param {HTMLElement} el @param {AbortSignal} signal ends the view */
  constructor(source, el, signal) {
    this.source = source;
    this.signal = signal;
    el.replaceChildren(this.panel.root);
    this.#listen();
    this.#listenToPointer();
    this.redraw();
  }

  #listen() {
    const { panel, signal, source } = this;
    const redraw = () => this.redraw();
    const told = () => {
      this.#comeIntoView();
      this.#schedule();
    };
    source.listeners.add(told);
    const sizes = new ResizeObserver(([entry]) => {
      this.width = entry.contentRect.width;
      this.redraw();
    });
    sizes.observe(panel.canvas);
    const sight = new IntersectionObserver(
      ([entry]) => this.#setShare(entry.isIntersecting ? entry.intersectionRatio : 0),
      { threshold: [0, WHOLE] },
    );
    sight.observe(panel.canvas);
    const looks = new MutationObserver(redraw);
    looks.observe(document.body, { attributes: true });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw, { signal });
    this.reduced.addEventListener("change", redraw, { signal });
    document.addEventListener("visibilitychange", redraw, { signal });
    panel.details.addEventListener("toggle", redraw, { signal });
    panel.speed.addEventListener("change", () => this.#setSpeed(), { signal });
    panel.canvas.addEventListener("keydown", (event) => this.#key(event), { signal });
    signal.addEventListener("abort", () => {
      this.#setShare(1);
      source.listeners.delete(told);
      for (const observer of [sizes, sight, looks]) observer.disconnect();
      cancelAnimationFrame(this.frame);
    });
  }

  /** Scroll the page to the picture when there is something to see; not for long, then never. */
  #comeIntoView() {
    const wanted = this.source.model.get("come_into_view") && this.source.log.next;
    if (this.share === null || !wanted) return;
    this.came ??= performance.now();
    // More than once: JupyterLab learns how high cells are when they come into sight.
    if (this.share < WHOLE && performance.now() - this.came < COME_MS) {
      this.panel.root.scrollIntoView({ block: "center" });
    }
  }

  #listenToPointer() {
    const { signal } = this;
    const { canvas } = this.panel;
    /** @type {number | null} where the pointer was pressed, or dragged to */ let from = null;
    let dragged = false;
    const across = (/** @type {MouseEvent} */ event) =>
      event.offsetX - labelWidth(canvas.clientWidth);
    const under = (/** @type {MouseEvent} */ event) =>
      this.scene && pick(this.source.log, this.scene, across(event), event.offsetY);
    /** @param {MouseEvent} event */
    const move = (event) => {
      if (from === null) this.hovered = under(event);
      else if (dragged || Math.abs(event.offsetX - from) > 3) {
        this.#move(this.axis.panned(from - event.offsetX));
        [from, dragged] = [event.offsetX, true];
      }
      this.redraw();
    };
    canvas.addEventListener(
      "pointerdown",
      (event) => {
        [from, dragged] = [event.offsetX, false];
        canvas.setPointerCapture(event.pointerId);
      },
      { signal },
    );
    canvas.addEventListener(
      "pointerup",
      (event) => {
        if (from !== null && !dragged) this.choose(under(event));
        from = null;
      },
      { signal },
    );
    canvas.addEventListener(
      "pointercancel",
      () => {
        from = null;
      },
      { signal },
    );
    canvas.addEventListener("pointermove", move, { signal });
    canvas.addEventListener(
      "pointerleave",
      () => {
        this.hovered = null;
        this.redraw();
      },
      { signal },
    );
    canvas.addEventListener("dblclick", (event) => this.zoom(0.5, across(event)), { signal });
    canvas.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.altKey) return; // else the page scrolls, as everywhere
        event.preventDefault();
        this.zoom(Math.exp(event.deltaY / 300), across(event));
      },
      { signal, passive: false },
    );
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowRight: () => (event.shiftKey ? this.later() : this.#neighbor(1)),
      ArrowLeft: () => (event.shiftKey ? this.earlier() : this.#neighbor(-1)),
      Home: () => this.choose(this.source.log.oldest),
      End: () => this.choose(this.source.log.next - 1),
      "+": () => this.zoomIn(),
      "=": () => this.zoomIn(),
      "-": () => this.zoomOut(),
      f: () => this.fitAll(),
      " ": () => this.pause(),
      Escape: () => this.choose(null),
    };
    if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  }

  // Which message is lit up.

  /** @param {number} step */
  #neighbor(step) {
    const { oldest, next } = this.source.log;
    const from = this.focused ?? (step > 0 ? oldest - 1 : next);
    this.choose(Math.min(next - 1, Math.max(oldest, from + step)));
  }

  /** Have one message lit up, and in the window. @param {number | null} number */
  choose(number) {
    const message = number === null ? null : this.source.log.message(number);
    this.focused = message ? message.number : null;
    if (message) {
      const { axis } = this;
      const px = axis.px(first(message));
      if (!(px >= 0 && px <= axis.width)) this.#move(axis.panned(px - axis.width / 2));
    }
    this.redraw();
  }

  // Which time is shown.

  /** The instant that is shown as the present. */
  get now() {
    return this.replay?.at ?? this.paused ?? this.source.now();
  }

  follow() {
    this.follows = !this.follows || this.paused !== null || this.replay !== null;
    this.paused = this.replay = null;
    this.redraw();
  }

  pause() {
    this.paused = this.paused === null ? this.now : null;
    this.replay = null;
    this.redraw();
  }

  toggleReplay() {
    if (this.replay) this.replay = null;
    else this.#startReplay(this.reduced.matches ? null : performance.now());
    this.redraw();
  }

  /** Go to the next event, in a replay that does not move by itself. */
  step() {
    if (!this.replay) this.#startReplay(null);
    else {
      const next = nextInstant(this.source.log, this.replay.at) ?? Infinity;
      Object.assign(this.replay, { last: null, at: Math.min(this.replay.end, next) });
    }
    this.redraw();
  }

  /** @param {number | null} last when it was last moved on; null: it is stepped by hand */
  #startReplay(last) {
    const { now } = this;
    if (Number.isNaN(now)) return;
    const { begin, end } = this.axis;
    const at = Math.max(begin, this.source.log.beginning);
    this.replay = { at, end: Math.max(at, Math.min(end, now)), slowed: 1, last };
    this.paused = null;
    this.#setSpeed();
  }

  #setSpeed() {
    if (!this.replay) return;
    const { value } = this.panel.speed;
    const auto = nice(REPLAY_NS / Math.max(1e3, this.replay.end - this.replay.at));
    this.replay.slowed = value === "auto" ? Math.max(1, auto) : Number(value);
    this.redraw();
  }

  /** Move a replay on. @param {number} at */
  #advance(at) {
    const { replay } = this;
    if (!replay || replay.last === null) return;
    replay.at = Math.min(
      replay.end,
      replay.at + (Math.max(0, at - replay.last) * 1e6) / replay.slowed,
    );
    replay.last = replay.at < replay.end ? at : null;
  }

  // Which window of time.

  fitAll() {
    this.fit = this.follows = true;
    this.redraw();
  }

  logTime() {
    const begin = this.fit ? this.source.log.beginning : this.window.begin;
    this.origin = this.origin === null && !Number.isNaN(begin) ? begin : null;
    this.redraw();
  }

  zoomIn() {
    this.zoom(0.5);
  }

  zoomOut() {
    this.zoom(2);
  }

  /**
   * Zoom around a pixel, or around the message that is lit up.
   * @param {number} factor @param {number} [px]
   */
  zoom(factor, px) {
    const { axis } = this;
    const message = this.focused === null ? null : this.source.log.message(this.focused);
    const at = message ? axis.px(message.recv <= this.now ? message.recv : first(message)) : NaN;
    const around = at >= 0 && at <= axis.width ? at : axis.width / 2;
    this.#move(axis.zoomed(factor, px ?? around));
  }

  earlier() {
    const { axis } = this;
    this.#move(axis.panned(-axis.width / 4));
  }

  later() {
    const { axis } = this;
    this.#move(axis.panned(axis.width / 4));
  }

  /** @param {Axis} axis */
  #move(axis) {
    if (Number.isNaN(this.source.log.beginning)) return;
    this.window = { begin: axis.begin, end: axis.end };
    this.fit = this.follows = false;
    this.redraw();
  }

  /** The window of time as it is now, over the pixels that there are. */
  get axis() {
    const { now, origin } = this;
    const { log, running } = this.source;
    const width = Math.max(50, Math.floor(this.width) - labelWidth(this.width) - RIGHT_PX);
    if (Number.isNaN(now)) return new Axis(0, 1e9, width);
    if (this.fit) {
      const least = 1e9 * (this.source.model.get("least_span_s") ?? 0);
      const span = Math.max(1e3, least, (this.replay?.end ?? now) - log.beginning);
      // While bars grow, the scale stands still, until they reach its end.
      const grows = running && !this.replay;
      const shown = grows ? nice(span, [1, 1.5, 2, 3, 4, 5, 6, 8, 10]) : span * 1.01;
      this.window = { begin: log.beginning, end: log.beginning + shown };
    } else if (this.follows) {
      this.window = { begin: now - (this.window.end - this.window.begin), end: now };
    }
    return new Axis(this.window.begin, this.window.end, width, origin);
  }

  // Taking it elsewhere.

  savePicture() {
    this.panel.canvas.toBlob((blob) => blob && this.#save("messages.png", blob));
  }

  saveTable() {
    this.#save("messages.csv", new Blob([this.source.log.csv()], { type: "text/csv" }));
  }

  saveTrace() {
    this.#save(
      "messages.json",
      new Blob([this.source.log.chromeTrace()], { type: "application/json" }),
    );
  }

  /** @param {string} name @param {Blob} content */
  #save(name, content) {
    const link = make("a");
    Object.assign(link, { download: name, href: URL.createObjectURL(content) });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  // When it is drawn.

  get visible() {
    return this.share !== 0;
  }

  /** @param {number} share of the picture that is on the screen */
  #setShare(share) {
    const before = this.visible;
    this.share = share;
    if (this.visible !== before) this.source.hidden += before ? 1 : -1;
    this.#comeIntoView();
    this.redraw();
  }

  /** Draw at the next frame: somebody has pressed something. */
  redraw() {
    this.urgent = true;
    this.#schedule();
  }

  /** Draw when it is time. */
  #schedule() {
    if (!this.frame && !this.signal.aborted)
      this.frame = requestAnimationFrame((at) => this.#tick(at));
  }

  /** @param {number} at */
  #tick(at) {
    this.frame = 0;
    if (!this.visible) return;
    const still = this.reduced.matches ? STILL_MS : FRAME_MS;
    const due = at - this.drawn.at >= Math.max(still, REST * this.drawn.took);
    if (!due && !this.urgent && !this.replay) return this.#schedule();
    this.urgent = false;
    const began = performance.now();
    this.#paint(at);
    this.drawn = { at, took: performance.now() - began };
    this.source.acknowledge();
    const live = this.paused === null && !this.replay && this.source.running;
    if (live || (this.replay && this.replay.last !== null)) this.#schedule();
  }

  /** @param {number} at */
  #paint(at) {
    const { panel, source } = this;
    if (!this.width) return;
    this.#advance(at);
    const { log } = source;
    const { now } = this;
    this.scene = layOut(log, this.axis, now);
    const number = this.hovered ?? this.focused;
    const chosen = number === null ? null : log.message(number);
    draw(panel.canvas, log, this.scene, themeOf(panel.root), {
      chosen,
      highWaterMark: source.model.get("high_water_mark") ?? null,
      message: log.next ? "" : "no messages yet",
    });
    panel.info.textContent = figures(log, chosen);
    this.#tell(at);
    if (panel.details.open && at - this.tabledAt > STILL_MS) {
      this.tabledAt = at;
      panel.fill(log, this.scene.axis.begin, this.scene.axis.end);
    }
  }

  /** Bring the texts around the picture up to date. @param {number} at */
  #tell(at) {
    const { panel, source, replay } = this;
    const { batch, log } = source;
    const then = replay !== null || this.paused !== null;
    if (batch) panel.headline.textContent = then ? headlineAt(log, this.now) : batch.headline;
    const states = [];
    if (replay) states.push(`slowed ${grouped(replay.slowed)}×`);
    if (this.paused !== null) states.push("paused");
    if (source.cut) states.push("disconnected: the kernel is gone, or was restarted");
    else if (batch?.ended) states.push("recording ended");
    if (batch && log.missing > 0 && !batch.ended)
      states.push(`${grouped(log.missing)} messages to come`);
    panel.badge.textContent = states.join(" · ");
    panel.root.classList.toggle("pp-cut", source.cut);
    panel.press({
      follow: this.follows && !then,
      pause: this.paused !== null,
      logTime: this.origin !== null,
      toggleReplay: replay !== null,
    });
    const text = [panel.headline.textContent, ...states].join(" · ");
    panel.canvas.setAttribute("aria-label", `Timeline: ${text}`);
    if (text !== this.told.text && at - this.told.at > STILL_MS) {
      panel.live.textContent = text;
      this.told = { at, text };
    }
  }
}

export default () => {
  /** @type {Source} one for all views of a model */ let source;
  return {
    /** @param {{model: Model}} context */
    initialize({ model }) {
      source = new Source(model);
      return source.open();
    },
    /** @param {{el: HTMLElement, signal: AbortSignal}} context */
    render({ el, signal }) {
      new View(source, el, signal);
    },
  };
};
