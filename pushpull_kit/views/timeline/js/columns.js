// Typed arrays for the fields of messages: reads those of a batch, and stores them.

import { BATCH_COLUMNS, HANDLED } from "./spec.js";

/**
 * The fields of messages, one value per message. Instants are in ns after an origin that the kernel
 * chose; an unknown instant is NaN. `sender` and `worker` are indexes of lanes.
 * @typedef {{send_start_ns: Float64Array, send_end_ns: Float64Array, recv_ns: Float64Array,
 *   done_ns: Float64Array, n_bytes: Float64Array, message_id: Uint32Array, sender: Uint16Array,
 *   worker: Uint16Array, outcome: Uint8Array}} Columns
 */

/** The JavaScript array of each NumPy type. */
const ARRAY_TYPES = { f8: Float64Array, u4: Uint32Array, u2: Uint16Array, u1: Uint8Array };

/** Bytes per message in a block. */
export const ROW_BYTES = BATCH_COLUMNS.map(
  ([, type]) => ARRAY_TYPES[type].BYTES_PER_ELEMENT,
).reduce((sum, size) => sum + size);

/** @param {number} instant */
export const isKnown = (instant) => !Number.isNaN(instant);

/**
 * Whether a bare PULL received a message: what its thread did with it is not known.
 * @param {Columns} columns @param {number} slot
 */
export const isOnlyReceived = ({ done_ns, outcome }, slot) =>
  outcome[slot] === HANDLED && !isKnown(done_ns[slot]);

/**
 * The last instant that is known of a message which was received; NaN if it is in the handler.
 * @param {Columns} columns @param {number} slot
 */
export const doneInstant = (columns, slot) =>
  isOnlyReceived(columns, slot) ? columns.recv_ns[slot] : columns.done_ns[slot];

/** Return empty columns. @param {number} capacity in messages */
export function makeColumns(capacity) {
  /** @type {Record<string, ArrayLike<number>>} */
  const columns = {};
  for (const [name, type] of BATCH_COLUMNS) {
    const column = new ARRAY_TYPES[type](capacity);
    columns[name] = name.endsWith("_ns") ? column.fill(NaN) : column;
  }
  return /** @type {Columns} */ (/** @type {unknown} */ (columns));
}

/**
 * Return the columns in a block of bytes, or null if it does not hold this many messages.
 * @param {number} count of messages @param {DataView | ArrayBuffer | undefined} block
 */
export function readColumns(count, block) {
  const size = block ? block.byteLength : 0;
  if (!Number.isInteger(count) || size !== count * ROW_BYTES) return null;
  const bytes = block ? aligned(block) : new ArrayBuffer(0);
  /** @type {Record<string, ArrayLike<number>>} */
  const columns = {};
  let offset = 0;
  for (const [name, type] of BATCH_COLUMNS) {
    const column = new ARRAY_TYPES[type](bytes, offset, count);
    columns[name] = column;
    offset += column.byteLength;
  }
  return /** @type {Columns} */ (/** @type {unknown} */ (columns));
}

/**
 * Return the bytes as a buffer of their own; a block may be anywhere in a larger buffer, and typed
 * arrays need aligned offsets.
 * @param {DataView | ArrayBuffer} block
 */
function aligned(block) {
  if (!ArrayBuffer.isView(block)) return block;
  const bytes = new Uint8Array(block.buffer, block.byteOffset, block.byteLength);
  return bytes.slice().buffer;
}
