// As root: finalizes what belongs to other users, each by a process that has become that user before it opens anything
// (lib/as-root/owner-process.ts). Loaded only if there is such a user.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../base/addon.js';
import { displayName, fromLatin1, latin1, toText } from '../base/names.js';
import { INCOMPLETE } from '../base/native.js';
import type { Failure } from '../base/types.js';
import type { Asked } from '../finalize/listing.js';
import { Candidates, type Listing } from '../finalize/scan.js';
import type { ScrAsked } from '../finalize/scr.js';
import { makeEntry, NOTHING_KNOWN } from '../finalize/tally.js';
import type { FinalizeEvent } from '../finalize/types.js';
import type { Terms } from '../finalize/work.js';
import { type ByOwner, isOurs } from './owners.js';
import { type User, UserDatabase } from './user-database.js';

/** Users whose processes run at a time. */
const AT_ONCE = 4;

/** What the process for another user is told, before the names. */
export interface Commission {
  readonly asked: Asked;
  /** Instead of state files: a prefix of SCR. */
  readonly scr: ScrAsked | null;
  readonly policy: Omit<Terms['policy'], 'roots' | 'deadHosts'> & {
    readonly roots: string;
    readonly deadHosts: string;
  };
  readonly shard: Terms['shard'] | null;
  readonly onPublished: NonNullable<Terms['onPublished']> | null;
  readonly directories: readonly {
    readonly dir: string;
    readonly searched?: string;
    readonly named?: readonly string[];
    readonly whole: boolean;
    readonly names: number;
  }[];
  readonly listed: readonly string[];
  readonly traces: readonly string[];
}

/** What that process is to deal with. */
type Given = Listing & { readonly scr?: ScrAsked };

/** A line from that process; `about`: state files of which nothing more will come, as latin1 text. */
export type Told = { readonly event: FinalizeEvent; readonly about: readonly string[] };

function commission(
  { directories, listed, traces, scr }: Given,
  asked: Asked,
  { policy, shard, onPublished }: Terms,
): Commission {
  return {
    scr: scr ?? null,
    asked: { ...asked, wait: Math.min(asked.wait, Number.MAX_SAFE_INTEGER) }, // JSON knows no Infinity
    policy: { ...policy, roots: latin1(policy.roots), deadHosts: latin1(policy.deadHosts) },
    shard: shard ?? null,
    onPublished: onPublished ?? null,
    directories: directories.map(({ names, ...rest }) => ({ ...rest, names: names.length })),
    listed,
    traces,
  };
}

function environment(): NodeJS.ProcessEnv {
  const ours = Object.entries(process.env).filter(([name]) => name.startsWith('AXL_'));
  return { PATH: '/usr/bin:/bin', ...Object.fromEntries(ours) };
}

/** @param service what it does: a module of this folder that has `serve` */
export function start({ uid, gid, name }: User, service: 'owner-service' | 'removal-service'): ChildProcess {
  const program = join(packageRoot(), 'dist', 'lib', 'as-root', 'owner-process.js');
  return spawn(process.execPath, [program, `${uid}`, `${gid}`, name, service], {
    cwd: '/',
    env: environment(),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Names as one string a directory: what waits in the pipe is not kept twice. */
function send(child: ChildProcess, listing: Given, asked: Asked, terms: Terms): void {
  child.stdin?.on('error', () => {}); // it ended early, and its status tells
  child.stdin?.write(`${JSON.stringify(commission(listing, asked, terms))}\0`, 'utf8');
  for (const { names } of listing.directories)
    child.stdin?.write(fromLatin1(names.map((name) => `${name}\0`).join('')));
  child.stdin?.end();
}

/** Passes on what a line tells; which state files it was about. */
function hear(line: string, uid: number, { tally }: Terms): readonly string[] {
  const { event, about } = JSON.parse(line) as Told;
  if (event.event === 'entry') {
    const { action, ...details } = event.entry;
    tally.entry(makeEntry(fromLatin1(about[0] ?? ''), action, details));
  } else if (event.event === 'end') tally.absorb(event.report);
  else tally.pass(event, () => [...about], `user ${uid}`);
  return about;
}

function* paths(candidates: Candidates, terms: Terms): Generator<string> {
  for (let i = 0; i < candidates.size; i++) if (isOurs(terms, candidates.name(i))) yield candidates.path(i);
}

/** What a process that ended early did not tell of has failed. */
function reportLost(uid: number, listing: Given, heard: ReadonlySet<string>, why: string, terms: Terms): void {
  const prefix = listing.scr && fromLatin1(listing.scr.prefix);
  const isOf = `it belongs to user ${uid}, and ${why}`;
  if (prefix)
    terms.tally.unreadable({ code: 'AXL_IO', message: `${displayName(prefix)}: ${isOf}`, path: toText(prefix) });
  for (const path of paths(new Candidates(listing.directories), terms)) {
    if (heard.has(path)) continue;
    const bytes = fromLatin1(path);
    const message = `${displayName(bytes)}: ${isOf}`;
    const error: Failure = { code: 'AXL_IO', message, path: toText(bytes) };
    terms.tally.entry(makeEntry(bytes, 'failed', { ...NOTHING_KNOWN, error }));
  }
}

/** New files would get a group that is not the user's: what is to be resumed is kept. */
function withoutGroups(uid: number, terms: Terms): Terms {
  const { policy, tally } = terms;
  if (policy.incomplete !== INCOMPLETE.resume) return terms;
  const remedy = 'run this again when the user database knows the user';
  const why = 'so that the groups of that user are not known: transfers that are not complete are kept';
  tally.problem({ code: 'AXL_IO', message: `user ${uid} has no entry in the user database, ${why}; ${remedy}` });
  return { ...terms, policy: { ...policy, incomplete: INCOMPLETE.keep } };
}

async function finalizeAs(uid: number, listing: Given, asked: Asked, given: Terms, users: UserDatabase): Promise<void> {
  const user = await users.lookUp(uid);
  if ('why' in user) return reportLost(uid, listing, new Set(), user.why, given);
  const terms = user.known ? given : withoutGroups(uid, given);
  const child = start(user, 'owner-service');
  const stop = () => child.kill('SIGTERM');
  terms.signal?.addEventListener('abort', stop);
  const heard = new Set<string>();
  let complaint = '';
  let ended = false;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = `${complaint}${text}`.slice(-2000);
  });
  const end = new Promise<string>((resolve) => {
    child.on('error', ({ message }) => resolve(message));
    child.on('close', (status, signal) => resolve(complaint.trim() || `${signal ?? `status ${status}`}`));
  });
  send(child, listing, asked, terms);
  if (child.stdout)
    for await (const line of createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY })) {
      for (const path of hear(line, uid, terms)) heard.add(path);
      ended ||= line.startsWith('{"event":{"event":"end"');
    }
  const why = await end;
  terms.signal?.removeEventListener('abort', stop);
  if (!ended && !terms.signal?.aborted)
    reportLost(uid, listing, heard, `the process for that user ended early: ${why}`, terms);
}

/** Has a user deal with a prefix of SCR. @param wait milliseconds */
export async function finalizePrefixAs(uid: number, scr: ScrAsked, terms: Terms, wait: number): Promise<void> {
  const nothing = { directories: [], listed: [], traces: [], unreadable: [] };
  await finalizeAs(uid, { ...nothing, scr }, { dataset: true, wait, adopt: false }, terms, new UserDatabase());
}

/** Finalizes what belongs to others, each by a process of that user, on that user's terms. */
export async function finalizeOthers(
  others: ByOwner['others'],
  asked: Asked,
  terms: Terms,
  termsOf: (uid: number) => Terms,
): Promise<void> {
  const queue = others.entries();
  const users = new UserDatabase();
  const lane = async () => {
    for (let next = queue.next(); !next.done && !terms.signal?.aborted; next = queue.next())
      await finalizeAs(next.value[0], next.value[1], asked, termsOf(next.value[0]), users);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}
