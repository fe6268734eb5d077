// `axl-finalize list`: a line a transfer, and totals by dataset and by user. Adding up: totals.ts.

import { displayName } from '../../base/names.js';
import type { ListedTransfer } from '../../index.js';
import { list } from '../../survey.js';
import type { SORT_KEYS } from '../commands.js';
import { toBytes } from '../names.js';
import { Causes } from '../output/causes.js';
import { toJson } from '../output/json.js';
import { complain, say, stdout } from '../output/output.js';
import { columns, duration, filesText, lackingText, percent, plural, size } from '../output/text.js';
import { UserNames } from '../output/user-names.js';
import type { ListFlags } from '../parse.js';
import { byDataset, byUser, type Total } from './totals.js';

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

const HEADING = ['TRANSFER', 'RANK', 'STATE', 'FILES', 'BYTES', 'DONE', 'AGE', 'OWNER', 'WRITER', 'STATE FILE'];
const NUMBERS = [1, 3, 4, 5, 6];

function row(transfer: ListedTransfer, now: number, users: UserNames): string[] {
  const { name, rank, size: ranks, state, alive, files, filesDone, bytes, modified, host, pid, uid, format } = transfer;
  const unknown = name === ''; // nothing could be read
  return [
    unknown ? '?' : displayName(name),
    unknown ? '?' : `${rank}/${ranks}`,
    state,
    unknown ? '?' : `${filesDone}/${files}`,
    unknown ? '?' : size(bytes),
    unknown ? '?' : percent(transfer),
    state === 'unreadable' ? '?' : duration(Math.max(0, now - modified.getTime())),
    state === 'unreadable' ? '?' : users.of(uid),
    unknown ? '?' : `${format === 'axl' ? 'AXL' : `${displayName(host)}:${pid}`}${ALIVE[alive]}`,
    displayName(transfer.stateFileBytes),
  ];
}

function totalLine(heading: string, total: Total): string {
  const { states, alive, bytes } = total;
  const counts = Object.entries(states).map(([state, n]) => `${n} ${state}`);
  const parts = [...counts, ...(alive > 0 ? [`${alive} with a writer that lives or may live`] : [])].join(', ');
  const done = total.bytesDone < bytes ? `, ${percent(total)} done` : '';
  const copied = [`${filesText(total)}, ${size(bytes)}${done}`, ...lackingText(total.lacking, total.lacks)];
  return `${heading}: ${parts}; ${copied.join(', ')}`;
}

function print(transfers: readonly ListedTransfer[], summary: boolean): void {
  const now = Date.now();
  const users = new UserNames(transfers.map(({ uid }) => uid));
  if (!summary) say([...columns([HEADING, ...transfers.map((one) => row(one, now, users))], NUMBERS), '']);
  const [datasets, owners] = [byDataset(transfers), byUser(transfers)];
  for (const total of datasets)
    say([totalLine(`${displayName(total.name)}: ${total.transfers} of ${plural(total.size, 'rank')}`, total)]);
  const others = transfers.length - datasets.reduce((sum, dataset) => sum + dataset.transfers, 0);
  if (others > 0) say([`${plural(others, 'state file')} that could not be read`]);
  if (summary || owners.length > 1)
    say(owners.map((one) => totalLine(`user ${users.of(one.uid)}: ${plural(one.transfers, 'transfer')}`, one)));
}

interface ListRequest extends ListFlags {
  readonly dirs: readonly string[];
}

type Found = Awaited<ReturnType<typeof list>>;

function write(transfers: readonly ListedTransfer[], { unreadable, absent }: Found, flags: ListFlags): void {
  const { summary = false, state: states = [] } = flags;
  const chosen = states.length === 0 ? transfers : transfers.filter(({ state }) => states.includes(state));
  const totals = { datasets: byDataset(chosen), users: byUser(chosen) };
  if (flags.json)
    stdout.write(`${toJson({ ...(!summary && { transfers: chosen }), ...totals, unreadable, absent })}\n`);
  else if (chosen.length > 0) print(chosen, summary);
  else if (transfers.length > 0) complain(`none of ${plural(transfers.length, 'transfer')} is ${states.join(' or ')}`);
}

/** @returns the exit status */
export async function run({ dirs, ...flags }: ListRequest): Promise<number> {
  const found = await list(dirs.map(toBytes), { recursive: flags.recursive === true });
  const { unreadable, absent } = found;
  const transfers = found.transfers.filter(({ state }) => state !== 'not-state' && state !== 'gone');
  transfers.sort((a, b) => ORDERS[flags.sort ?? 'name'](a, b) || byName(a, b));
  write(transfers, found, flags);
  const causes = new Causes();
  for (const failure of unreadable) causes.add('', failure);
  for (const { error, stateFileBytes } of transfers) if (error) causes.add(displayName(stateFileBytes), error);
  causes.tell();
  for (const { message } of absent) complain(message);
  if (unreadable.length > 0 || transfers.some(({ state }) => state === 'unreadable')) return 1;
  if (flags.failIfNone && transfers.length === 0) return 7;
  return transfers.some(({ state }) => state === 'corrupt' || state === 'copy') ? 5 : 0;
}
