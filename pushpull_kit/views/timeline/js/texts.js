// Wording of the texts around the picture: figures of one message, and sums at an instant.

import { duration, grouped } from "./format.js";
import { Log } from "./log.js";
import { BLOCKED_NS } from "./spec.js";

/**
 * @typedef {import("./log.js").Message} Message
 * @typedef {import("./playback.js").Playback} Playback
 * @typedef {import("./subscription.js").Subscription} Subscription
 */

/** Describe one message. @param {Log} log @param {Message | null} message */
export function describeMessage(log, message) {
  if (!message)
    return "Point at a bar, or use the arrow keys on the picture, to see one message's figures.";
  const { id, send_start_ns, send_end_ns, recv_ns, done_ns, n_bytes } = message;
  const sender = log.laneName(message.sender) || "an untimed sender";
  const worker = log.laneName(message.worker);
  const sending = send_end_ns - send_start_ns;
  return [
    `message ${grouped(id)} of ${sender}, ${grouped(n_bytes)} byte${n_bytes === 1 ? "" : "s"}`,
    `send() called at ${duration(send_start_ns - log.start)}`,
    `send() took ${duration(sending)}${sending > BLOCKED_NS ? " (blocked)" : ""}`,
    `waited ${duration(recv_ns - send_start_ns)}`,
    message.isOnlyReceived
      ? "service time: not timed"
      : `handling took ${duration(done_ns - recv_ns)}`,
    outcomeText(message) + (worker ? ` by ${worker}` : ""),
  ].join(" · ");
}

/** @param {Message} message */
export const outcomeText = ({ outcome }) => outcome.replace("_", " ");

/** Write the conservation sum as it was at an instant. @param {Log} log @param {number} now */
export function headlineAt(log, now) {
  const sum = log.summary(now);
  const terms = [
    `${grouped(sum.handled)} handled`,
    `${grouped(sum.failed)} failed`,
    `${grouped(sum.handling)} in the handler`,
    `${grouped(sum.inFlight)} in flight`,
  ];
  const parts = [
    `at ${duration(Math.max(0, now - log.start))}`,
    `${grouped(sum.pushed)} pushed = ${terms.join(" + ")}`,
  ];
  if (sum.sending) parts.push(`${grouped(sum.sending)} in send`);
  if (sum.untimed) parts.push(`${grouped(sum.untimed)} from untimed senders`);
  return parts.join(" · ");
}

/**
 * Say in a few words what is not as usual.
 * @param {Subscription} subscription @param {Playback} playback
 */
export function describeState({ header, isDisconnected, log, problem }, { paused, replay }) {
  const states = [];
  if (replay) states.push(`slowed ${grouped(replay.slowdown)}×`);
  if (paused !== null) states.push("paused");
  if (problem) states.push(`cannot update this view: ${problem}`);
  if (isDisconnected) states.push("disconnected: the kernel is gone, or was restarted");
  else if (header?.ended) states.push("recording ended");
  if (header && log.nMissing > 0 && !header.ended)
    states.push(`${grouped(log.nMissing)} messages to come`);
  return states;
}
