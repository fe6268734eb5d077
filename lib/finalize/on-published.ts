// The operator's command for what a run has published: run when all of it is durable, before its state files are removed.
// So it runs at least once; what it fails for stays, and it is run again by the next finalizer.

import { spawn } from 'node:child_process';
import { displayName, fromLatin1, toText } from '../base/names.js';
import type { NativeFinalized } from '../base/native.js';
import { UNTIL } from '../base/phases.js';
import type { Failure } from '../base/types.js';
import { makeEntry, toEntry } from './tally.js';
import type { FinalizeAction } from './types.js';
import type { Uuids, Work } from './work.js';

/** So much of what it has written is told when it fails. */
const TOLD_BYTES = 1000;
const LAST_WORDS_MS = 1000;

interface Published {
  readonly name: string;
  readonly directories: readonly Buffer[];
  readonly stateDir: Buffer;
}

function variablesOf({ name, directories, stateDir }: Published, { terms: { scr } }: Work): string[] {
  const variables = {
    AXL_NAME: name,
    AXL_DESTINATIONS: directories.map(toText).join('\n'),
    AXL_STATE_DIR: toText(stateDir),
  };
  const ofScr = scr && {
    AXL_SCR_PREFIX: toText(fromLatin1(scr.prefix)),
    AXL_SCR_DATASET: `${scr.id}`,
  };
  return Object.entries({ ...variables, ...ofScr }).map(([variable, value]) => `${variable}=${value}`);
}

/** Runs what is to be run, one after the other, as the user that this process is. @returns why one failed */
async function runAll(published: Published, work: Work): Promise<Failure | undefined> {
  const { onPublished = [] } = work.terms;
  const commands = typeof onPublished === 'string' ? [['/bin/sh', '-c', onPublished]] : onPublished;
  for (const command of commands) {
    const failed = await run(command, published, work);
    if (failed === undefined) continue;
    const what = typeof onPublished === 'string' ? 'the command of --on-published' : (command[0] as string);
    const message = `${displayName(published.name)} is published, and ${what} failed ${failed}`;
    const again = 'its state files stay; finalize again to run it again';
    return { code: 'AXL_COMMAND_FAILED', message: `${message}: ${again}` };
  }
  return undefined;
}

/** @returns how it failed, and what it has written */
async function run(command: readonly string[], published: Published, work: Work): Promise<string | undefined> {
  const words = [...variablesOf(published, work), ...command];
  const child = spawn('env', words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece: Buffer) => {
      said = (said + piece.toString()).slice(-TOLD_BYTES);
    });
  const stop = () => child.kill();
  work.terms.signal?.addEventListener('abort', stop);
  const how = await new Promise<string | undefined>((resolve) => {
    child.on('error', ({ message }) => resolve(message));
    child.on('exit', (status, signal) => {
      const ended = () => resolve(status === 0 ? undefined : signal ? `${signal}` : `status ${status}`);
      // What it has left in the background may hold its output open for ever.
      const timer = setTimeout(ended, LAST_WORDS_MS);
      child.on('close', () => {
        clearTimeout(timer);
        ended();
      });
    });
  });
  work.terms.signal?.removeEventListener('abort', stop);
  for (const stream of [child.stdout, child.stderr]) stream.destroy();
  if (how === undefined) return undefined;
  return `(${how})${said.trim() === '' ? '' : `: ${displayName(Buffer.from(said.trim()))}`}`;
}

function say(work: Work, i: number, entry: NativeFinalized, action: FinalizeAction, error: Failure): void {
  const details = toEntry({ ...entry, action: 0 }, work.resumes.done.has(work.candidates.path(i)));
  work.report(i, makeEntry(details.stateFileBytes, action, { ...details, error }));
}

/** Published, and to be concluded: the command has to succeed before. */
async function concludeOne(
  work: Work,
  members: readonly number[],
  came: ReadonlyMap<number, NativeFinalized>,
  uuids: Uuids,
): Promise<void> {
  const ours = members.flatMap((i) => {
    const entry = came.get(i);
    return entry ? [{ i, entry }] : [];
  });
  const [first] = ours;
  if (!first || work.stopped) return;
  if (ours.length < members.length) {
    const message = `${displayName(first.entry.name)}: another rank of it could not be published: finalize again`;
    for (const { i, entry } of ours) say(work, i, entry, 'busy', { code: 'AXL_STATE_LOCKED', message });
    return;
  }
  const paths = new Set(ours.map(({ entry }) => entry.directory.toString('latin1')).filter((path) => path !== ''));
  const directories = [...paths].sort().map(fromLatin1);
  const stateDir = fromLatin1(work.candidates.dir(first.i) || '/');
  const failed = await runAll({ name: first.entry.name, directories, stateDir }, work);
  if (failed) for (const { i, entry } of ours) say(work, i, entry, 'failed', failed);
  else
    for (const [i, entry] of await work.act(members, uuids, { allEntries: true, until: UNTIL.all }))
      work.report(i, entry);
}

/**
 * @param came what is published, durably, but not concluded
 * @param datasetOf the candidates that are published together with one; itself, if it is published alone
 */
export async function concludePublished(
  work: Work,
  came: ReadonlyMap<number, NativeFinalized>,
  datasetOf: (i: number) => readonly number[],
  uuids: Uuids,
): Promise<void> {
  const done = new Set<number>();
  for (const i of came.keys()) {
    if (done.has(i)) continue;
    const members = datasetOf(i);
    for (const member of members) done.add(member);
    await concludeOne(work, members, came, uuids);
  }
}
