// Creates the DOM elements of a view: texts, buttons, canvas, legend and table.

import { duration, grouped } from "./format.js";
import { Log, doneInstantOf, firstInstantOf } from "./log.js";
import { COLORS, RECEIVED_LABEL } from "./spec.js";
import { outcomeText } from "./texts.js";

/** @typedef {import("./log.js").Message} Message */

/** Factors of slow motion that can be chosen. */
const SLOWDOWNS = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];
/** Maximum number of rows of the table, which screen readers can read. */
const MAX_TABLE_ROWS = 200;

const TABLE_HEADS = [
  "message",
  "sender",
  "send() called",
  "send() took",
  "waited",
  "handling took",
  "worker",
  "bytes",
  "outcome",
];

/**
 * Make an element. Names come over a socket, so texts are never parsed as HTML.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {string} [className] @param {string} [text]
 */
export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/**
 * Names of what buttons do.
 * @typedef {"follow" | "pause" | "zoomOut" | "zoomIn" | "earlier" | "later" | "fitAll" |
 *   "logTime" | "toggleReplay" | "step" | "savePicture" | "saveTable" | "saveTrace"} Action
 * @type {[string, [Action, string, string][]][]} groups of: action, word on the button, full name
 */
const BUTTONS = [
  [
    "time",
    [
      ["follow", "Follow", "Follow the newest messages"],
      ["pause", "Pause", "Pause the picture; recording goes on"],
    ],
  ],
  [
    "window",
    [
      ["zoomOut", "−", "Zoom out"],
      ["zoomIn", "+", "Zoom in"],
      ["earlier", "‹", "Earlier"],
      ["later", "›", "Later"],
      ["fitAll", "Fit", "Fit everything"],
      ["logTime", "Log time", "Log time: microseconds beside seconds"],
    ],
  ],
  [
    "replay",
    [
      ["toggleReplay", "Replay", "Replay the window in slow motion"],
      ["step", "Step", "Step to the next event"],
    ],
  ],
  [
    "save",
    [
      ["savePicture", "PNG", "PNG: save the picture"],
      ["saveTable", "CSV", "CSV: save the messages as a table"],
      ["saveTrace", "Trace", "Trace: save the messages for ui.perfetto.dev"],
    ],
  ],
];

export class Panel {
  root = make("div", "pp-timeline");
  headline = make("div", "pp-headline", "waiting for the kernel …");
  badge = make("span", "pp-badge");
  canvas = make("canvas", "pp-canvas");
  info = make("span", "pp-info");
  details = make("details", "pp-details");
  table = make("table", "pp-table");
  live = make("p", "pp-live");
  receivedKey = key("received", RECEIVED_LABEL); // in the legend
  slowdown = make("select", "pp-select");
  /** @type {Map<Action, HTMLButtonElement>} */ buttons = new Map();

  /** @param {(action: Action) => void} onAction is called when a button is pressed */
  constructor(onAction) {
    const { root, canvas } = this;
    root.setAttribute("role", "region");
    root.setAttribute("aria-label", "timeline of messages");
    root.setAttribute("data-lm-suppress-shortcuts", "true"); // no shortcuts of JupyterLab here
    for (const [kind, color] of Object.entries(COLORS)) {
      root.style.setProperty(`--pp-${kind}`, color);
    }
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-keyshortcuts", "ArrowLeft ArrowRight Home End + - F Space Escape");
    this.live.setAttribute("aria-live", "polite");
    const foot = make("div", "pp-foot");
    foot.append(this.badge, this.info);
    const scroll = make("div", "pp-scroll");
    scroll.append(this.table);
    this.details.append(make("summary", "", "Table of messages"), scroll);
    root.append(this.headline, this.#toolbar(onAction), canvas, foot);
    this.receivedKey.hidden = true;
    root.append(legend(this.receivedKey), this.details, this.live);
  }

  /** @param {(action: Action) => void} onAction */
  #toolbar(onAction) {
    const bar = make("div", "pp-toolbar");
    bar.setAttribute("role", "toolbar");
    bar.setAttribute("aria-label", "view");
    for (const [name, buttons] of BUTTONS) {
      const group = make("span", "pp-group");
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", name);
      for (const [action, word, title] of buttons) {
        const button = make("button", "pp-button", word);
        Object.assign(button, { type: "button", title });
        button.setAttribute("aria-label", title);
        button.addEventListener("click", () => onAction(action));
        this.buttons.set(action, button);
        group.append(button);
      }
      if (name === "replay") group.append(this.slowdown);
      bar.append(group);
    }
    this.slowdown.setAttribute("aria-label", "Slow motion: how much to slow down");
    const options = SLOWDOWNS.map((factor) => new Option(`${grouped(factor)}×`, String(factor)));
    this.slowdown.append(new Option("auto", "auto"), ...options);
    return bar;
  }

  /** Show which switches are on. @param {Partial<Record<Action, boolean>>} switches */
  setPressed(switches) {
    for (const [action, isOn] of Object.entries(switches)) {
      const button = this.buttons.get(/** @type {Action} */ (action));
      button?.setAttribute("aria-pressed", String(isOn));
    }
  }

  /**
   * Fill the table with the messages in a window of time.
   * @param {Log} log @param {number} start @param {number} end
   */
  fillTable(log, start, end) {
    /** @type {string[][]} */
    const rows = [];
    let nInWindow = 0;
    for (const message of log.messages()) {
      if (firstInstantOf(message) > end || doneInstantOf(message) < start) continue;
      nInWindow += 1;
      if (rows.length < MAX_TABLE_ROWS) rows.push(tableRow(log, message));
    }
    const text = `${grouped(rows.length)} of ${grouped(nInWindow)} messages in the window`;
    const [head, body] = [make("thead"), make("tbody")];
    head.append(tableLine("th", TABLE_HEADS));
    body.append(...rows.map((row) => tableLine("td", row)));
    this.table.replaceChildren(make("caption", "", text), head, body);
  }
}

/** Return the cells of a message, in the order of `TABLE_HEADS`.
 * @param {Log} log @param {Message} message
 */
function tableRow(log, message) {
  const { send_start_ns, send_end_ns, recv_ns, done_ns } = message;
  return [
    grouped(message.id),
    log.laneName(message.sender),
    duration(send_start_ns - log.start),
    duration(send_end_ns - send_start_ns),
    duration(recv_ns - send_start_ns),
    message.isOnlyReceived ? "not timed" : duration(done_ns - recv_ns),
    log.laneName(message.worker),
    grouped(message.n_bytes),
    outcomeText(message),
  ];
}

/** @param {"th" | "td"} tag @param {string[]} texts */
function tableLine(tag, texts) {
  const line = make("tr");
  line.append(...texts.map((text) => make(tag, "", text)));
  return line;
}

/** Return a swatch with its meaning. @param {string} kind @param {string} label */
function key(kind, label) {
  const item = make("span", "pp-key");
  item.append(make("i", `pp-swatch pp-${kind}`), label);
  return item;
}

/** @param {HTMLElement} receivedKey */
function legend(receivedKey) {
  const box = make("div", "pp-legend");
  for (const kind of [...Object.keys(COLORS), "failed"]) {
    box.append(key(kind, kind === "blocked" ? "blocked in send" : kind));
  }
  box.append(make("span", "pp-key", "× refused"), make("span", "pp-key", "◇ interrupted"));
  box.append(receivedKey);
  const note = "short bars are widened; merged bars are as high as their share of busy time";
  box.append(make("span", "pp-fine", note));
  return box;
}
