// `axl-finalize probe`: what a file system does, and what that means, a line for each item.
import { hostname } from 'node:os';
import { displayName } from '../../base/names.js';
import { hold, type ProbeReport, type ProbeVerdict, probe, seeHold } from '../../probe.js';
import { toBytes } from '../names.js';
import { toJson } from '../output/json.js';
import { say, stdout } from '../output/output.js';
import { columns, shellWord } from '../output/text.js';
import type { ProbeFlags } from '../parse.js';
import { abortOnSignals } from '../signals.js';

const WORDS: Readonly<Record<ProbeVerdict, string>> = {
  supported: 'supported',
  limited: 'limited',
  'job-ended': 'needs --job-ended',
  unsupported: 'NOT SUPPORTED',
  'cannot tell': 'cannot tell',
};
/** The first that applies. */
const STATUSES: readonly (readonly [ProbeVerdict, number])[] = [
  ['unsupported', 5],
  ['job-ended', 4],
  ['cannot tell', 4],
];

function print({ items }: ProbeReport): void {
  const rows = items.map(({ item, found, verdict, meaning }) => [item, WORDS[verdict], found, meaning]);
  say(
    [...columns([['ITEM', 'VERDICT', 'FOUND', ''], ...rows.map(([a, b, c]) => [a, b, c, ''] as string[])])].flatMap(
      (line, i) => (rows[i - 1]?.[3] ? [line, `    ${rows[i - 1]?.[3]}`] : [line]),
    ),
  );
}

const statusOf = ({ items }: ProbeReport): number =>
  STATUSES.find(([verdict]) => items.some((item) => item.verdict === verdict))?.[1] ?? 0;

async function keep(dir: Buffer): Promise<number> {
  const host = hostname();
  await hold(dir, abortOnSignals(), () => {
    say([`a lock is held in ${displayName(dir)}, for an hour or until SIGINT; on another host run:`]);
    say([`  axl-finalize probe ${shellWord(dir)} --from ${shellWord(Buffer.from(host))}`]);
    stdout.flush();
  });
  return 0;
}

interface ProbeRequest extends ProbeFlags {
  readonly dir: string;
}

/** @returns the exit status */
export async function run({ dir, hold: holds, from, json }: ProbeRequest): Promise<number> {
  const path = toBytes(dir);
  if (holds) return keep(path);
  abortOnSignals(); // what was made is removed before the end
  const report = await (from === undefined ? probe(path) : seeHold(path, toBytes(from).toString()));
  if (json) stdout.write(`${toJson(report)}\n`);
  else print(report);
  return statusOf(report);
}
