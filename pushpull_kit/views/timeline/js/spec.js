// The constants that these scripts share with Python. spec.py reads the same file.

import SPEC from "../../../spec.json" with { type: "json" };

/** What can have become of a message. The column `outcome` holds an index into this. */
export const OUTCOMES = SPEC.outcomes;
export const HANDLED = OUTCOMES.indexOf("handled");
export const FAILED = OUTCOMES.indexOf("failed");
/** Sends that were given up have this outcome or a higher one. */
export const REFUSED = OUTCOMES.indexOf("refused");

/** Units of time, the largest first, each with its length in ns. */
export const TIME_UNITS = /** @type {[string, number][]} */ (SPEC.time_units);

/** A send that takes longer counts as blocked. */
export const BLOCKED_NS = SPEC.blocked_ns;

/** The color of each kind of bar. */
export const COLORS = SPEC.colors;

/** What the legend calls the mark of a receipt of which nothing later is known. */
export const RECEIVED_LABEL = SPEC.received_label;

/** Maximum number of lanes of senders, and of workers. */
export const MAX_LANES = SPEC.max_lanes;

/** Maximum number of waits that are drawn one by one; more are drawn as a crowd. */
export const MAX_SINGLE_WAITS = SPEC.max_single_waits;

/** Maximum number of waits above each other; more are drawn as a crowd. */
export const MAX_WAIT_SLOTS = SPEC.max_wait_slots;

/** Minimum width of a bar, so that it can be seen. */
export const MIN_BAR_PX = SPEC.min_bar_px;

/** Bars narrower than this are merged. */
export const MERGE_PX = SPEC.merge_px;

/** A run of merged bars wider than this is as high as the share of time that they took. */
export const DENSE_FROM_PX = SPEC.dense_from_px;

/** The smallest share that is drawn, so that it can be seen. */
export const MIN_DENSE_SHARE = SPEC.min_dense_share;

/** Names and NumPy types of the columns of a batch, in the order of its block of bytes. */
export const BATCH_COLUMNS = /** @type {[string, "f8" | "u4" | "u2" | "u1"][]} */ (
  SPEC.batch_columns
);
