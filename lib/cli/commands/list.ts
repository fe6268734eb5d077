// `axl-finalize list`: a line a transfer, and totals by dataset.

import { displayName } from '../../base/names.js';
import type { ListedTransfer } from '../../index.js';
import { list } from '../../survey.js';
import type { SORT_KEYS } from '../commands.js';
import { toBytes } from '../names.js';
import { toJson } from '../output/json.js';
import { complain, complainOf, say, stdout } from '../output/output.js';
import { columns, duration, plural, size } from '../output/text.js';

type SortKey = (typeof SORT_KEYS)[number];
type Order = (a: ListedTransfer, b: ListedTransfer) => number;

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const byName: Order = (a, b) => byText(a.name, b.name) || a.rank - b.rank || byText(a.stateFile, b.stateFile);

/** Behind the process id of the writer. */
const ALIVE: Record<ListedTransfer['alive'], string> = { no: '', yes: '*', 'cannot tell': '?' };

const ORDERS: Record<SortKey, Order> = {
  name: byName,
  rank: (a, b) => a.rank - b.rank,
  state: (a, b) => byText(a.state, b.state),
  files: (a, b) => b.files - a.files,
  bytes: (a, b) => b.bytes - a.bytes,
  age: (a, b) => a.modified.getTime() - b.modified.getTime(),
};

/** The transfers that share a name. */
export interface Dataset {
  readonly name: string;
  readonly transfers: number;
  /** How many ranks there should be. */
  readonly size: number;
  readonly states: Readonly<Record<string, number>>;
  readonly alive: number;
  readonly files: number;
  readonly filesDone: number;
  readonly bytes: number;
  readonly bytesDone: number;
}

function add(total: Dataset | undefined, transfer: ListedTransfer): Dataset {
  const { name, state, alive, files, filesDone, bytes, bytesDone } = transfer;
  const before = total ?? {
    ...{ name, transfers: 0, size: 0, states: {}, alive: 0, files: 0, filesDone: 0, bytes: 0, bytesDone: 0 },
  };
  return {
    name,
    transfers: before.transfers + 1,
    size: Math.max(before.size, transfer.size),
    states: { ...before.states, [state]: ((before.states as Record<string, number>)[state] ?? 0) + 1 },
    alive: before.alive + Number(alive !== 'no'),
    files: before.files + files,
    filesDone: before.filesDone + filesDone,
    bytes: before.bytes + bytes,
    bytesDone: before.bytesDone + bytesDone,
  };
}

export function datasets(transfers: readonly ListedTransfer[]): Dataset[] {
  const totals = new Map<string, Dataset>();
  for (const transfer of transfers) totals.set(transfer.name, add(totals.get(transfer.name), transfer));
  return [...totals.values()].toSorted((a, b) => byText(a.name, b.name));
}

const HEADING = ['TRANSFER', 'RANK', 'STATE', 'FILES', 'BYTES', 'AGE', 'WRITER', 'STATE FILE'];
const NUMBERS = [1, 3, 4, 5];

function row(transfer: ListedTransfer, now: number): string[] {
  const { name, rank, size: ranks, state, alive, files, filesDone, bytes, modified, host, pid } = transfer;
  const unknown = name === ''; // nothing could be read
  return [
    unknown ? '?' : displayName(name),
    unknown ? '?' : `${rank}/${ranks}`,
    state,
    unknown ? '?' : `${filesDone}/${files}`,
    unknown ? '?' : size(bytes),
    state === 'unreadable' ? '?' : duration(Math.max(0, now - modified.getTime())),
    unknown ? '?' : `${displayName(host)}:${pid}${ALIVE[alive]}`,
    displayName(transfer.stateFileBytes),
  ];
}

function datasetLine({ name, transfers, size: ranks, states, alive, files, bytes }: Dataset): string {
  const counts = Object.entries(states).map(([state, n]) => `${n} ${state}`);
  const parts = [...counts, ...(alive > 0 ? [`${alive} with a writer that lives or may live`] : [])].join(', ');
  return `${displayName(name)}: ${transfers} of ${plural(ranks, 'rank')}: ${parts}; ${plural(files, 'file')}, ${size(bytes)}`;
}

function print(transfers: readonly ListedTransfer[], totals: readonly Dataset[]): void {
  const now = Date.now();
  say(columns([HEADING, ...transfers.map((transfer) => row(transfer, now))], NUMBERS));
  say(['', ...totals.map(datasetLine)]);
  const others = transfers.length - totals.reduce((sum, dataset) => sum + dataset.transfers, 0);
  if (others > 0) say([`${plural(others, 'state file')} that could not be read`]);
}

interface ListRequest {
  readonly dirs: readonly string[];
  readonly json: boolean;
  readonly sort: SortKey;
}

/** @returns the exit status */
export async function run({ dirs, json, sort }: ListRequest): Promise<number> {
  const { transfers: found, unreadable } = await list(dirs.map(toBytes));
  const transfers = found.filter(({ state }) => state !== 'not-state' && state !== 'gone');
  transfers.sort((a, b) => ORDERS[sort](a, b) || byName(a, b));
  const totals = datasets(transfers.filter(({ name, state }) => name !== '' && state !== 'copy'));
  if (json) stdout.write(`${toJson({ transfers, datasets: totals, unreadable })}\n`);
  else if (transfers.length > 0) print(transfers, totals);
  else if (unreadable.length === 0) complain('there are no state files');
  for (const failure of unreadable) complainOf('', failure);
  for (const { error, stateFileBytes } of transfers) if (error) complainOf(displayName(stateFileBytes), error);
  if (unreadable.length > 0 || transfers.some(({ state }) => state === 'unreadable')) return 1;
  return transfers.some(({ state }) => state === 'corrupt' || state === 'copy') ? 5 : 0;
}
