// What the live view is made of: texts, buttons, the canvas. And what the texts say.

import { BLOCKED_NS, Log } from "./log.js";
import { duration, grouped } from "./axis.js";

/** @typedef {import("./log.js").Message} Message */

/** How much a replay can be slowed down. */
const SPEEDS = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];
/** The table for those who cannot see the picture has so many lines at the most. */
const MOST_TABLE_ROWS = 200;

/**
 * Make an element. Text is set as text: nothing that comes over a socket is ever read as HTML.
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
 * What a button does when it is pressed.
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
  speed = make("select", "pp-select");
  /** @type {Map<Action, HTMLButtonElement>} */ buttons = new Map();

  /** @param {(action: Action) => void} press what a pressed button calls */
  constructor(press) {
    const { root, canvas } = this;
    root.setAttribute("role", "region");
    root.setAttribute("aria-label", "timeline of messages");
    root.setAttribute("data-lm-suppress-shortcuts", "true"); // keys here are not JupyterLab's
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-keyshortcuts", "ArrowLeft ArrowRight Home End + - F Space Escape");
    this.live.setAttribute("aria-live", "polite");
    const foot = make("div", "pp-foot");
    foot.append(this.badge, this.info);
    const scroll = make("div", "pp-scroll");
    scroll.append(this.table);
    this.details.append(make("summary", "", "Table of messages"), scroll);
    root.append(
      this.headline,
      this.#toolbar(press),
      canvas,
      foot,
      legend(),
      this.details,
      this.live,
    );
  }

  /** @param {(action: Action) => void} press */
  #toolbar(press) {
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
        button.addEventListener("click", () => press(action));
        this.buttons.set(action, button);
        group.append(button);
      }
      if (name === "replay") group.append(this.speed);
      bar.append(group);
    }
    this.speed.setAttribute("aria-label", "Slow motion: how much to slow down");
    const speeds = SPEEDS.map((speed) => new Option(`${grouped(speed)}×`, String(speed)));
    this.speed.append(new Option("auto", "auto"), ...speeds);
    return bar;
  }

  /** Show which of the switches are on. @param {Partial<Record<Action, boolean>>} switches */
  press(switches) {
    for (const [action, on] of Object.entries(switches)) {
      this.buttons.get(/** @type {Action} */ (action))?.setAttribute("aria-pressed", String(on));
    }
  }

  /**
   * Fill the table with what lies in a window.
   * @param {Log} log @param {number} begin @param {number} end
   */
  fill(log, begin, end) {
    const heads = [
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
    /** @type {string[][]} */
    const rows = [];
    let inView = 0;
    for (const m of log.messages()) {
      if (first(m) > end || m.done < begin) continue;
      inView += 1;
      if (rows.length >= MOST_TABLE_ROWS) continue;
      const called = duration(m.sendStart - log.beginning);
      const took = [m.sendEnd - m.sendStart, m.recv - m.sendStart, m.done - m.recv].map(duration);
      const names = [log.name(m.worker), grouped(m.bytes), m.outcome.replace("_", " ")];
      rows.push([grouped(m.number), log.name(m.sender), called, ...took, ...names]);
    }
    /** @param {"th" | "td"} tag @param {string[]} texts */
    const line = (tag, texts) => {
      const row = make("tr");
      row.append(...texts.map((text) => make(tag, "", text)));
      return row;
    };
    const caption = make(
      "caption",
      "",
      `${grouped(rows.length)} of ${grouped(inView)} messages in the window`,
    );
    const [head, body] = [make("thead"), make("tbody")];
    head.append(line("th", heads));
    body.append(...rows.map((row) => line("td", row)));
    this.table.replaceChildren(caption, head, body);
  }
}

/** The first instant of a message. @param {Message} message */
export function first(message) {
  return message.sendStart === message.sendStart ? message.sendStart : message.recv;
}

function legend() {
  const box = make("div", "pp-legend");
  for (const kind of ["sending", "blocked", "waiting", "handling", "failed"]) {
    const item = make("span", "pp-key");
    item.append(make("i", `pp-swatch pp-${kind}`), kind === "blocked" ? "blocked in send" : kind);
    box.append(item);
  }
  box.append(make("span", "pp-key", "× refused"), make("span", "pp-key", "◇ interrupted"));
  const liberties =
    "bars too short to see are drawn wider; many short ones, as high as they were busy";
  box.append(make("span", "pp-fine", liberties));
  return box;
}

/** One message's figures. @param {Log} log @param {Message | null} m */
export function figures(log, m) {
  if (!m)
    return "Point at a bar, or use the arrow keys on the picture, to see one message's figures.";
  const took = m.sendEnd - m.sendStart;
  const [sender, worker] = [log.name(m.sender) || "an untimed sender", log.name(m.worker)];
  return [
    `message ${grouped(m.number)} of ${sender}, ${grouped(m.bytes)} byte${m.bytes === 1 ? "" : "s"}`,
    `send() called at ${duration(m.sendStart - log.beginning)}`,
    `send() took ${duration(took)}${took > BLOCKED_NS ? " (blocked)" : ""}`,
    `waited ${duration(m.recv - m.sendStart)}`,
    `handling took ${duration(m.done - m.recv)}`,
    m.outcome.replace("_", " ") + (worker ? ` by ${worker}` : ""),
  ].join(" · ");
}

/** The sum that must come out, as it was at an instant. @param {Log} log @param {number} now */
export function headlineAt(log, now) {
  const sum = log.summary(now);
  const parts = [
    `at ${duration(Math.max(0, now - log.beginning))}`,
    `${grouped(sum.pushed)} pushed = ${grouped(sum.handled)} handled` +
      ` + ${grouped(sum.failed)} failed` +
      ` + ${grouped(sum.handling)} in the handler + ${grouped(sum.inFlight)} in flight`,
  ];
  if (sum.blocked) parts.push(`${grouped(sum.blocked)} in send`);
  if (sum.untimed) parts.push(`${grouped(sum.untimed)} from untimed senders`);
  return parts.join(" · ");
}
