// The page's copy of a log: keeps the messages that it has received.

import { CHUNK_SIZE, Chunk, firstInstant } from "./chunks.js";
import { doneInstant, isKnown, isOnlyReceived, makeColumns, readColumns } from "./columns.js";
import { FAILED, OUTCOMES, REFUSED } from "./spec.js";

/**
 * The header of a batch; protocol.py writes it. Ids of messages count from 0, and start again when
 * the kernel's log is cleared; then `first_row_id` changes.
 * @typedef {{sequence: number, acknowledged: number, snapshot: boolean, count: number,
 *   first_row_id: number, oldest_id: number, next_id: number, limit: number,
 *   lanes?: [string, string][], open_lanes?: number[], now_ns: number, headline: string,
 *   busy: boolean, in_flight: number, ended: boolean, heartbeat_within_s: number | null}} Header
 *   without lanes if they have not changed
 *
 * @typedef {{id: number, send_start_ns: number, send_end_ns: number, recv_ns: number,
 *   done_ns: number, n_bytes: number, sender: number, worker: number, outcome: string,
 *   isOnlyReceived: boolean}} Message
 *   an unknown instant is NaN; `sender` and `worker` are indexes of lanes; of a message that is
 *   only received, it is not known what happened after its receipt
 */

/** Indexes of lanes have 16 bits. */
const MAX_LANE_INDEX = 65_535;

/**
 * At most `limit` messages. Message `id` is in slot `id % capacity`, until a newer one evicts it.
 */
export class Log {
  /** @type {[string, string][]} kind and name of each lane */ lanes = [];
  /** @type {Set<number>} indexes of the lanes whose sockets are open */ openLanes = new Set();
  usedLanes = new Uint8Array(MAX_LANE_INDEX + 1); // 1 for a lane that has a message
  nOnlyReceived = 0; // number of messages that a bare PULL received
  limit = 0;
  firstRowId = 0;
  oldestId = 0;
  nextId = 0;
  nLoaded = 0; // number of slots that have been filled
  start = NaN; // the first instant, and the last, of all messages received
  end = NaN;
  capacity = 0;
  columns = makeColumns(0);
  /** @type {Chunk[]} */ chunks = [];

  clear() {
    const { lanes, openLanes, limit } = this;
    Object.assign(this, new Log(), { lanes, openLanes, limit });
  }

  /**
   * Add the messages of a batch; return false for a block that does not match its header.
   * @param {Header} header @param {DataView | ArrayBuffer | undefined} block
   */
  add(header, block) {
    const incoming = readColumns(header.count, block);
    if (incoming === null) return false;
    if (header.first_row_id !== this.firstRowId) {
      this.clear();
      this.firstRowId = header.first_row_id;
    }
    if (header.lanes) this.lanes = header.lanes;
    if (header.open_lanes) this.openLanes = new Set(header.open_lanes);
    this.limit = header.limit;
    this.oldestId = header.oldest_id;
    this.nextId = header.next_id;
    const needed = Math.min(this.limit, header.next_id);
    if (needed > this.capacity) {
      this.#resize(Math.min(this.limit, Math.max(1024, needed, 2 * this.capacity)));
    }
    if (header.count > 0) this.#write(incoming);
    return true;
  }

  /** @param {number} capacity in messages */
  #resize(capacity) {
    const columns = makeColumns(capacity);
    for (const name of /** @type {(keyof typeof columns)[]} */ (Object.keys(columns))) {
      columns[name].set(this.columns[name]);
    }
    Object.assign(this, { capacity, columns, chunks: [] });
  }

  /** @param {import("./columns.js").Columns} incoming */
  #write(incoming) {
    const slots = incoming.message_id.map((id) => id % this.capacity);
    for (const slot of slots) {
      // A slot that is not empty holds an evicted message, or an earlier state of the same one.
      if (!isKnown(firstInstant(this.columns, slot))) this.nLoaded += 1;
      if (isOnlyReceived(this.columns, slot)) this.nOnlyReceived -= 1;
      const chunk = this.chunks[Math.floor(slot / CHUNK_SIZE)];
      if (chunk) chunk.isStale = true;
    }
    for (const name of /** @type {(keyof typeof this.columns)[]} */ (Object.keys(this.columns))) {
      const [from, to] = [incoming[name], this.columns[name]];
      for (let i = 0; i < slots.length; i += 1) to[slots[i]] = from[i];
    }
    for (const slot of slots) if (isOnlyReceived(this.columns, slot)) this.nOnlyReceived += 1;
    this.#noteLanes(incoming);
    this.#noteTimes(incoming);
  }

  /** @param {import("./columns.js").Columns} incoming */
  #noteLanes({ sender, worker }) {
    for (const lane of sender) this.usedLanes[lane] = 1;
    for (const lane of worker) this.usedLanes[lane] = 1;
  }

  /** @param {import("./columns.js").Columns} incoming */
  #noteTimes(incoming) {
    let [start, end] = [isKnown(this.start) ? this.start : Infinity, this.end];
    if (!isKnown(end)) end = -Infinity;
    const { send_start_ns, send_end_ns, recv_ns, done_ns } = incoming;
    for (let i = 0; i < send_start_ns.length; i += 1) {
      const first = firstInstant(incoming, i);
      if (first < start) start = first; // false if it is unknown
    }
    for (const column of [send_start_ns, send_end_ns, recv_ns, done_ns]) {
      for (const instant of column) if (instant > end) end = instant;
    }
    this.start = start;
    this.end = end;
  }

  /** Number of messages that the kernel keeps and that have not come yet, as far as is known. */
  get nMissing() {
    const nKept = this.nextId - this.oldestId;
    return nKept - Math.min(this.nLoaded, nKept);
  }

  /** Number of slots that may hold a message. */
  get nSlots() {
    return Math.min(this.nextId, this.capacity);
  }

  /**
   * The id of the message in a slot. It may be an evicted one, until the newer one has come.
   * @param {number} slot
   */
  idAt(slot) {
    return this.columns.message_id[slot];
  }

  /** @param {number} id @returns {Message | null} null if it was evicted or is not here yet */
  message(id) {
    if (!(id >= this.oldestId && id < this.nextId)) return null;
    const slot = id % this.capacity;
    const { columns } = this;
    if (columns.message_id[slot] !== id || !isKnown(firstInstant(columns, slot))) return null;
    return {
      id,
      send_start_ns: columns.send_start_ns[slot],
      send_end_ns: columns.send_end_ns[slot],
      recv_ns: columns.recv_ns[slot],
      done_ns: columns.done_ns[slot],
      n_bytes: columns.n_bytes[slot],
      sender: columns.sender[slot],
      worker: columns.worker[slot],
      outcome: OUTCOMES[columns.outcome[slot]] ?? "?",
      isOnlyReceived: isOnlyReceived(columns, slot),
    };
  }

  /** Yield the messages kept, by their ids. */
  *messages() {
    for (let id = this.oldestId; id < this.nextId; id += 1) {
      const message = this.message(id);
      if (message) yield message;
    }
  }

  /** The name of a lane. @param {number} lane */
  laneName(lane) {
    return this.lanes[lane]?.[1] ?? "";
  }

  /**
   * Return the chunks that have something between two instants.
   * @param {number} start @param {number} end
   */
  chunksBetween(start, end) {
    for (let from = this.chunks.length * CHUNK_SIZE; from < this.nSlots; from += CHUNK_SIZE) {
      this.chunks.push(new Chunk(from, Math.min(this.capacity, from + CHUNK_SIZE)));
    }
    for (const chunk of this.chunks) if (chunk.isStale) chunk.measure(this.columns);
    return this.chunks.filter((chunk) => chunk.start <= end && chunk.end >= start);
  }

  /** Count the messages in each state at an instant. @param {number} now */
  summary(now) {
    const { send_start_ns, send_end_ns, recv_ns, outcome } = this.columns;
    const sum = {
      pushed: 0,
      handled: 0,
      failed: 0,
      handling: 0,
      inFlight: 0,
      sending: 0,
      untimed: 0,
    };
    for (let slot = 0; slot < this.nSlots; slot += 1) {
      const isReceived = recv_ns[slot] <= now;
      if (!(send_start_ns[slot] <= now)) {
        if (isReceived && !isKnown(send_start_ns[slot])) sum.untimed += 1;
        continue;
      }
      if (!isReceived && !(send_end_ns[slot] <= now)) sum.sending += 1;
      else if (outcome[slot] < REFUSED) {
        sum.pushed += 1;
        if (!isReceived) sum.inFlight += 1;
        else if (!(doneInstant(this.columns, slot) <= now)) sum.handling += 1;
        else if (outcome[slot] === FAILED) sum.failed += 1;
        else sum.handled += 1;
      }
    }
    return sum;
  }
}

/** When a message was done, as far as is known. @param {Message} message */
export function doneInstantOf({ recv_ns, done_ns, isOnlyReceived }) {
  return isOnlyReceived ? recv_ns : done_ns;
}

/** The first instant of a message. @param {Message} message */
export function firstInstantOf({ send_start_ns, recv_ns }) {
  return isKnown(send_start_ns) ? send_start_ns : recv_ns;
}
