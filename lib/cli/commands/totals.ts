// Transfers added up: by dataset, and by user. No I/O.
import type { ListedTransfer } from '../../index.js';

export interface Total {
  readonly transfers: number;
  readonly states: Readonly<Record<string, number>>;
  readonly alive: number;
  readonly files: number;
  readonly filesDone: number;
  readonly bytes: number;
  readonly bytesDone: number;
  readonly commitFiles: number;
  readonly pointers: number;
  /** How many complete files lack a part of their source's metadata, and what any of them lacks. */
  readonly lacking: number;
  readonly lacks: readonly string[];
}

/** The transfers that share a name. */
export interface Dataset extends Total {
  readonly name: string;
  /** How many ranks there should be. */
  readonly size: number;
}

/** The transfers of state files that a user owns. */
export interface UserTotal extends Total {
  readonly uid: number;
}

const NONE: Total = {
  ...{ transfers: 0, states: {}, alive: 0, files: 0, filesDone: 0, bytes: 0, bytesDone: 0 },
  ...{ commitFiles: 0, pointers: 0 },
  ...{ lacking: 0, lacks: [] },
};

function add(before: Total, transfer: ListedTransfer): Total {
  const { state, alive, files, filesDone, bytes, bytesDone, filesByPhase, lacking, lacks } = transfer;
  return {
    transfers: before.transfers + 1,
    states: { ...before.states, [state]: (before.states[state] ?? 0) + 1 },
    alive: before.alive + Number(alive !== 'no'),
    files: before.files + files,
    filesDone: before.filesDone + filesDone,
    bytes: before.bytes + bytes,
    bytesDone: before.bytesDone + bytesDone,
    commitFiles: before.commitFiles + filesByPhase.commit,
    pointers: before.pointers + filesByPhase.pointer,
    lacking: before.lacking + lacking,
    lacks: [...new Set([...before.lacks, ...lacks])],
  };
}

/** What could be read, and is no copy: a copy's transfer has another state file. */
const counts = ({ name, state }: ListedTransfer): boolean => name !== '' && state !== 'copy';

export function byDataset(transfers: readonly ListedTransfer[]): Dataset[] {
  const totals = new Map<string, Dataset>();
  for (const transfer of transfers.filter(counts)) {
    const { name, size } = transfer;
    const before = totals.get(name) ?? { ...NONE, name, size: 0 };
    totals.set(name, { name, size: Math.max(before.size, size), ...add(before, transfer) });
  }
  return [...totals.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

export function byUser(transfers: readonly ListedTransfer[]): UserTotal[] {
  const totals = new Map<number, UserTotal>();
  for (const transfer of transfers.filter(({ state }) => state !== 'unreadable')) {
    const { uid } = transfer;
    totals.set(uid, { uid, ...add(totals.get(uid) ?? NONE, transfer) });
  }
  return [...totals.values()].toSorted((a, b) => a.uid - b.uid);
}
