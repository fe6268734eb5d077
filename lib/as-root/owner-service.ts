// What lib/as-root/owner-process.ts does once it is the user for whom it finalizes. Nothing here runs as root. Reads a
// commission as JSON, then the names, each ended by a NUL; writes a JSON object a line.

import { fromLatin1, latin1 } from '../base/names.js';
import { native } from '../base/native.js';
import { finalizeListing } from '../finalize/listing.js';
import { metered } from '../finalize/metering.js';
import type { Directory, Listing } from '../finalize/scan.js';
import { finalizePrefix } from '../finalize/scr.js';
import { Tally } from '../finalize/tally.js';
import type { FinalizeEvent } from '../finalize/types.js';
import type { Commission, Told } from './others.js';

export async function readAll(): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of process.stdin) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

function parse(input: Buffer): { commission: Commission; listing: Listing } {
  const end = input.indexOf(0);
  const commission = JSON.parse(input.toString('utf8', 0, end)) as Commission;
  const names = latin1(input.subarray(end + 1)).split('\0');
  let at = 0;
  const directories = commission.directories.map(({ names: count, ...rest }): Directory => {
    at += count;
    return { ...rest, names: names.slice(at - count, at) };
  });
  return { commission, listing: { directories, listed: commission.listed, traces: commission.traces, unreadable: [] } };
}

function tell(event: FinalizeEvent, paths?: () => string[]): void {
  const about = event.event === 'entry' ? [latin1(event.entry.stateFileBytes)] : (paths?.() ?? []);
  process.stdout.write(`${JSON.stringify({ event, about } satisfies Told)}\n`);
}

export async function serve(): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  stop.signal.addEventListener('abort', () => native().stopFinalize(true));
  const { commission, listing } = parse(await readAll());
  const { asked, shard, onPublished, scr } = commission;
  const { roots, deadHosts } = commission.policy;
  const policy = { ...commission.policy, roots: fromLatin1(roots), deadHosts: fromLatin1(deadHosts) };
  const tally = new Tally(policy, tell);
  const terms = {
    policy,
    shard: shard ?? undefined,
    signal: stop.signal,
    tally,
    onPublished: onPublished ?? undefined,
  };
  // What came since the scan is root's to find: this process has no listing to go by.
  await metered(tally, () =>
    scr
      ? finalizePrefix(scr, terms, asked.wait, async () => true)
      : finalizeListing(listing, terms, asked, async () => undefined),
  );
  tally.interrupted = stop.signal.aborted;
  tell({ event: 'end', report: { ...tally.report(), problems: [] } });
}
