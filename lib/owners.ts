// As root: whose state files are these, and may root act on its own? What users could have prepared is finalized by a
// process that has become that user before it opens anything (lib/owner-process.ts).
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Policy } from './finalize-listing.js';
import type { FinalizedEntry, FinalizeEvent } from './finalize-types.js';
import { displayName, fromLatin1, latin1, toText } from './names.js';
import { answer, KINDS, native, packageRoot } from './native.js';
import { Candidates, type Directory, hash, type Listing } from './scan.js';
import { makeEntry, NOTHING_KNOWN } from './tally.js';
import type { Failure } from './types.js';
import type { Terms } from './work.js';

/** Users whose processes run at a time. */
const AT_ONCE = 4;
/** Names that the addon looks at in one call. */
const SLICE = 4096;
/** For who has no entry in the user database: a group that owns nothing. The state file's could be one that its owner is not in. */
const NOGROUP = 65534;
const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;
const STICKY = 0o1000;

/** What the process for another user is told, before the names. */
export interface Commission {
  readonly policy: Policy;
  readonly native: Omit<Terms['native'], 'roots'> & { readonly roots: string };
  readonly shard: Terms['shard'] | null;
  readonly directories: readonly { readonly dir: string; readonly searched?: string; readonly names: number }[];
  readonly verdicts: readonly string[];
}

/** A line from that process; `about`: state files of which nothing more will come, as latin1 text. */
export type Told = { readonly event: FinalizeEvent; readonly about: readonly string[] };

const isRoots = ({ uid, gid, mode }: { uid: number; gid: number; mode: number }, sticky: boolean): boolean =>
  uid === 0 &&
  ((sticky && (mode & STICKY) !== 0) || ((mode & OTHERS_WRITE) === 0 && ((mode & GROUP_WRITES) === 0 || gid === 0)));

/**
 * Can nobody but root change what a canonical directory holds, or what its path means? Above it, a directory that
 * others may write to will do if it is sticky: they cannot rename what is root's.
 */
async function isSafe(dir: string): Promise<boolean> {
  for (let at = dir === '' ? '/' : dir; ; at = dirname(at)) {
    const stats = await lstat(fromLatin1(at)).catch(() => undefined);
    if (!stats?.isDirectory() || !isRoots(stats, at !== dir)) return false;
    if (at === '/') return true;
  }
}

/** A listing by the owners of what is in it: root's own, and others'. */
export interface ByOwner {
  readonly own: Listing;
  readonly others: ReadonlyMap<number, Listing>;
}

interface Piles {
  readonly piles: Map<number, Directory[]>;
  readonly terms: Terms;
  /** Entries are reported for the first listing only. */
  readonly reports: boolean;
}

type Kind = (typeof KINDS)[number];

const look = (dir: string, names: readonly string[], { native: { jobs } }: Terms) =>
  answer(native().owners(fromLatin1(dir === '' ? '/' : dir), fromLatin1(`${names.join('\0')}\0`), jobs));

/** Puts the names of one directory on the piles of their owners. Opens nothing. */
async function sort({ piles, terms, reports }: Piles, { dir, names, searched }: Directory): Promise<void> {
  const safe = await isSafe(dir);
  const byOwner = new Map<number, string[]>();
  for (let at = 0; at < names.length; at += SLICE) {
    const slice = names.slice(at, at + SLICE);
    const { kinds, uids } = await look(dir, slice, terms);
    for (const [i, name] of slice.entries()) {
      const kind = KINDS[kinds[i] as number] as Kind;
      const owner = uids[i] as number;
      if (owner === 0 ? safe : kind === 'file') pile(byOwner, owner, name);
      else if (reports && isOurs(terms, name)) terms.tally.entry(refused(fromLatin1(`${dir}/${name}`), kind));
    }
  }
  for (const [owner, theirs] of byOwner) {
    const all = theirs.length === names.length ? names : theirs; // the same: one is enough in memory
    const directory = { dir, names: all, ...(searched !== undefined && { searched }) };
    piles.set(owner, [...(piles.get(owner) ?? []), directory]);
  }
}

const isOurs = ({ shard }: Terms, name: string): boolean => !shard || hash(name) % shard.count === shard.index;

function pile(byOwner: Map<number, string[]>, owner: number, name: string): void {
  const names = byOwner.get(owner);
  if (names) names.push(name);
  else byOwner.set(owner, [name]);
}

function refused(path: Buffer, kind: Kind): FinalizedEntry {
  if (kind !== 'file') return makeEntry(path, kind === 'other' ? 'not-state' : 'gone', NOTHING_KNOWN);
  const message = `${displayName(path)}: it is root's, in a directory that others can write to`;
  return makeEntry(path, 'failed', {
    ...NOTHING_KNOWN,
    error: { code: 'AXL_UNSAFE_PATH', message, path: toText(path) },
  });
}

/** @param reports whether what nobody may act on is reported */
export async function byOwner(listing: Listing, terms: Terms, reports: boolean): Promise<ByOwner> {
  const piles = new Map<number, Directory[]>();
  for (const directory of listing.directories) await sort({ piles, terms, reports }, directory);
  const verdicts = new Map<number, string[]>();
  for (const path of listing.verdicts) {
    const owner = lstatSync(fromLatin1(path), { throwIfNoEntry: false })?.uid;
    if (owner === undefined || (owner === 0 && !(await isSafe(dirname(path))))) continue;
    pile(verdicts, owner, path);
    if (!piles.has(owner)) piles.set(owner, []);
  }
  const of = (uid: number) => ({ ...listing, directories: piles.get(uid) ?? [], verdicts: verdicts.get(uid) ?? [] });
  const others = [...piles.keys()].filter((uid) => uid !== 0);
  return { own: of(0), others: new Map(others.map((uid) => [uid, of(uid)])) };
}

/** Name and group of a user; an empty name if there is no entry. Asks getent: users may be in LDAP. */
function lookUp(uid: number): { name: string; gid: number } {
  const asked = spawnSync('/usr/bin/getent', ['passwd', `${uid}`], { encoding: 'utf8', timeout: 30_000, env: {} });
  const lines = asked.status === 0 ? asked.stdout : readFileSync('/etc/passwd', 'utf8');
  const fields = lines.split('\n').map((line) => line.split(':'));
  const [name = '', , , gid] = fields.find((line) => line[2] === `${uid}`) ?? [];
  return { name, gid: gid === undefined ? NOGROUP : Number(gid) };
}

function commission({ directories, verdicts }: Listing, policy: Policy, { native, shard }: Terms): Commission {
  return {
    policy: { ...policy, wait: Math.min(policy.wait, Number.MAX_SAFE_INTEGER) }, // JSON knows no Infinity
    native: { ...native, roots: latin1(native.roots) },
    shard: shard ?? null,
    directories: directories.map(({ names, ...rest }) => ({ ...rest, names: names.length })),
    verdicts,
  };
}

function environment(): NodeJS.ProcessEnv {
  const ours = Object.entries(process.env).filter(([name]) => name.startsWith('AXL_'));
  return { PATH: '/usr/bin:/bin', ...Object.fromEntries(ours) };
}

function start(uid: number): ChildProcess {
  const { name, gid } = lookUp(uid);
  // Beside this file, or where a test that runs TypeScript finds it.
  const beside = join(dirname(fileURLToPath(import.meta.url)), 'owner-process.js');
  const program = existsSync(beside) ? beside : join(packageRoot(), 'dist', 'lib', 'owner-process.js');
  return spawn(process.execPath, [program, `${uid}`, `${gid}`, name], {
    cwd: '/',
    env: environment(),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Names as one string a directory: what waits in the pipe is not kept twice. */
function send(child: ChildProcess, listing: Listing, policy: Policy, terms: Terms): void {
  child.stdin?.on('error', () => {}); // it ended early, and its status tells
  child.stdin?.write(`${JSON.stringify(commission(listing, policy, terms))}\0`, 'utf8');
  for (const { names } of listing.directories)
    child.stdin?.write(fromLatin1(names.map((name) => `${name}\0`).join('')));
  child.stdin?.end();
}

/** Passes on what a line tells; which state files it was about. */
function hear(line: string, { tally }: Terms): readonly string[] {
  const { event, about } = JSON.parse(line) as Told;
  if (event.event === 'entry') {
    const { action, ...details } = event.entry;
    tally.entry(makeEntry(fromLatin1(about[0] ?? ''), action, details));
  } else if (event.event === 'done') tally.done(event, () => [...about]);
  else if (event.event === 'dataset') {
    const { event: _, ...verdict } = event;
    tally.dataset(verdict);
  } else if (event.event === 'end') tally.absorb(event.report);
  else if (event.event === 'problem' || event.event === 'wait') tally.tell(event);
  return about;
}

function* paths(candidates: Candidates, terms: Terms): Generator<string> {
  for (let i = 0; i < candidates.size; i++) if (isOurs(terms, candidates.name(i))) yield candidates.path(i);
}

/** What a process that ended early did not tell of has failed. */
function reportLost(uid: number, listing: Listing, heard: ReadonlySet<string>, why: string, terms: Terms): void {
  for (const path of paths(new Candidates(listing.directories), terms)) {
    if (heard.has(path)) continue;
    const bytes = fromLatin1(path);
    const message = `${displayName(bytes)}: the process for user ${uid} ended early: ${why}`;
    const error: Failure = { code: 'AXL_IO', message, path: toText(bytes) };
    terms.tally.entry(makeEntry(bytes, 'failed', { ...NOTHING_KNOWN, error }));
  }
}

async function finalizeAs(uid: number, listing: Listing, policy: Policy, terms: Terms): Promise<void> {
  const child = start(uid);
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
  send(child, listing, policy, terms);
  if (child.stdout)
    for await (const line of createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY })) {
      for (const path of hear(line, terms)) heard.add(path);
      ended ||= line.startsWith('{"event":{"event":"end"');
    }
  const why = await end;
  terms.signal?.removeEventListener('abort', stop);
  if (!ended && !terms.signal?.aborted) reportLost(uid, listing, heard, why, terms);
}

/** Finalizes what belongs to others, each by a process of that user. */
export async function finalizeOthers(others: ByOwner['others'], policy: Policy, terms: Terms): Promise<void> {
  const queue = others.entries();
  const lane = async () => {
    for (let next = queue.next(); !next.done && !terms.signal?.aborted; next = queue.next())
      await finalizeAs(next.value[0], next.value[1], policy, terms);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}
