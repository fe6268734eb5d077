// The recorder's log: what it holds, and what the disks may hold if the power goes at some point of it. All that was
// written before a disk's last flush is there. Of what came after, anything may be: all, nothing, some writes without
// the others, a write without some of its sectors.
import { readFileSync } from 'node:fs';

const OPS = { 1: 'write', 2: 'flush', 3: 'mark' };
const HEADER = 16;
const SECTOR = 512;

/** A sequence of numbers in [0, 1) that is the same in every run. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @returns {{op: string, disk: number, offset: number, data: Buffer}[]} */
export function readLog(path) {
  const bytes = readFileSync(path);
  const out = [];
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const length = bytes.readUInt32LE(at + 4);
    const data = bytes.subarray(at + HEADER, at + HEADER + length);
    out.push({ op: OPS[bytes[at]], disk: bytes[at + 1], offset: Number(bytes.readBigUInt64LE(at + 8)), data });
    at += HEADER + length;
  }
  return out;
}

/** Where a mark is in the log. */
export function markAt(log, name) {
  const at = log.findIndex(({ op, data }) => op === 'mark' && data.toString() === name);
  if (at < 0) throw new Error(`no mark ${name}`);
  return at;
}

/** What is certain and what is not of a disk, if the power goes before entry `cut`. */
function parts(log, start, cut, disk) {
  let flush = start;
  for (let i = start; i < cut; i++) if (log[i].op === 'flush' && log[i].disk === disk) flush = i;
  const writes = (from, to) => log.slice(from, to).filter((entry) => entry.op === 'write' && entry.disk === disk);
  return { certain: writes(start, flush), pending: writes(flush, cut) };
}

/** A write without some of its sectors. */
function tear(write, next) {
  const sectors = Math.ceil(write.data.length / SECTOR);
  return Array.from({ length: sectors }, (_, i) => i)
    .filter(() => next() < 0.5)
    .map((i) => ({
      ...write,
      offset: write.offset + i * SECTOR,
      data: write.data.subarray(i * SECTOR, (i + 1) * SECTOR),
    }));
}

const SHARES = [0, 0.2, 0.5, 0.8, 1];

function survivors(pending, next) {
  const share = SHARES[Math.floor(next() * SHARES.length)];
  const kept = pending.filter(() => next() < share);
  const torn = next() < 0.5 && kept.length > 0 ? Math.floor(next() * kept.length) : -1;
  return kept.flatMap((write, i) => (i === torn ? tear(write, next) : [write]));
}

/**
 * Crash states: every point with all that was written, every flush also with nothing unflushed, and `samples` points at
 * random with some of it. Those that come out the same come once.
 * @returns {Generator<{cut: number, how: string, writes: {disk: number, offset: number, data: Buffer}[]}>}
 */
export function* crashStates(log, start, disks, samples, next) {
  const seen = new Set();
  const of = (cut, how, choose) => {
    const each = Array.from({ length: disks }, (_, disk) => parts(log, start, cut, disk));
    return { cut, how, writes: each.flatMap(({ certain, pending }) => [...certain, ...choose(pending)]) };
  };
  const candidates = function* () {
    for (let cut = start + 1; cut <= log.length; cut++) {
      yield of(cut, 'all', (pending) => pending);
      if (log[cut - 1].op !== 'write') yield of(cut, 'none', () => []);
    }
    for (let i = 0; i < samples; i++) {
      const cut = start + 1 + Math.floor(next() * (log.length - start));
      yield of(cut, 'some', (pending) => survivors(pending, next));
    }
  };
  const marksBefore = (cut) => log.slice(0, cut).filter(({ op }) => op === 'mark').length;
  for (const state of candidates()) {
    const identity = state.writes.map(({ disk, offset, data }) => [disk, offset, data.byteOffset, data.length]);
    const key = JSON.stringify([marksBefore(state.cut), identity]);
    if (seen.has(key)) continue;
    seen.add(key);
    yield state;
  }
}
