// The instant that is shown as the present: live, paused, or moving in a replay.

import { roundUp } from "./format.js";
import { nextInstant } from "./pick.js";
import { Subscription } from "./subscription.js";

/**
 * A replay shows `now`, and moves to `end`. `movedAt` is the time in ms, by the page's clock, at
 * which it last moved; null for a replay that only steps.
 * @typedef {{now: number, end: number, slowdown: number, movedAt: number | null}} Replay
 */

/** Duration of a replay whose slowdown is "auto". */
const REPLAY_NS = 6e9;

export class Playback {
  /** @type {number | null} the instant at which the picture is paused */ paused = null;
  /** @type {Replay | null} */ replay = null;

  /** @param {Subscription} subscription */
  constructor(subscription) {
    this.subscription = subscription;
  }

  /** The instant that is shown as the present; NaN if there is no message. */
  get now() {
    return this.replay?.now ?? this.paused ?? this.subscription.now();
  }

  get isLive() {
    return this.paused === null && this.replay === null;
  }

  /** Whether the replay moves by itself. */
  get isMoving() {
    return this.replay !== null && this.replay.movedAt !== null;
  }

  goLive() {
    this.paused = null;
    this.replay = null;
  }

  togglePause() {
    this.paused = this.paused === null ? this.now : null;
    this.replay = null;
  }

  /**
   * Replay what is between two instants.
   * @param {{start: number, end: number}} window
   * @param {number | null} movedAt the page's clock in ms; null to replay in steps
   */
  start({ start, end }, movedAt) {
    const { now } = this;
    if (Number.isNaN(now)) return;
    const from = Math.max(start, this.subscription.log.start);
    const to = Math.max(from, Math.min(end, now));
    this.replay = { now: from, end: to, slowdown: 1, movedAt };
    this.paused = null;
  }

  /** Go to the next event, and stay there. */
  step() {
    if (!this.replay) return;
    const next = nextInstant(this.subscription.log, this.replay.now) ?? Infinity;
    this.replay.now = Math.min(this.replay.end, next);
    this.replay.movedAt = null;
  }

  /** @param {string} choice "auto" or a number */
  setSlowdown(choice) {
    if (!this.replay) return;
    const spanNs = Math.max(1e3, this.replay.end - this.replay.now);
    const auto = Math.max(1, roundUp(REPLAY_NS / spanNs));
    this.replay.slowdown = choice === "auto" ? auto : Number(choice);
  }

  /** Move the replay on. @param {number} at the page's clock, in ms */
  advance(at) {
    const { replay } = this;
    if (!replay || replay.movedAt === null) return;
    const passedNs = Math.max(0, at - replay.movedAt) * 1e6;
    replay.now = Math.min(replay.end, replay.now + passedNs / replay.slowdown);
    replay.movedAt = replay.now < replay.end ? at : null;
  }
}
