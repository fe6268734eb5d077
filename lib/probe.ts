// What a file system does, and what that means for transfers: probe() tries it on this host; hold() and seeHold() try with
// another one whether locks reach it. What is known beforehand stands in the tables of native/os, and nowhere else.
import { setTimeout as sleep } from 'node:timers/promises';
import { absoluteDirectory, toText } from './base/names.js';
import { answer, native } from './base/native.js';
import { LOCK_REACHES, type NativeProbed } from './base/native-upkeep.js';
import { ANSWERS } from './base/native-word.js';
import type { PathLike } from './base/types.js';

/**
 * `limited`: it works, and something is different · `job-ended`: --job-ended is needed · `unsupported` · `cannot tell`:
 * it could not be tried.
 */
export type ProbeVerdict = 'supported' | 'limited' | 'job-ended' | 'unsupported' | 'cannot tell';

export interface ProbeItem {
  readonly item: string;
  /** What was seen. */
  readonly found: string;
  readonly verdict: ProbeVerdict;
  /** What follows from it; '' if nothing does. */
  readonly meaning: string;
}

export interface ProbeReport {
  readonly directory: string;
  readonly directoryBytes: Buffer;
  readonly items: readonly ProbeItem[];
}

type Finding = readonly [found: string, verdict: ProbeVerdict, meaning?: string];

/** Those on which something depends. */
const OPTIONS =
  /^(ro|(no|local)?flock|localflocks|nolock|local_lock=.*|(nfs)?vers=.*|no(acl|user_xattr|ac)|ac(dir|reg)?max=.*)$/;
const TEMPORARY_SUFFIX = 21;
const NAME_MAX = 255;
const BEAT_MS = 1000;
const PATIENCE_MS = 25_000;
const HOLD_MS = 3_600_000;

function fileSystem({ fileSystem: { type, magic, options } }: NativeProbed): Finding {
  const known = options.split(',').filter((option) => OPTIONS.test(option));
  const number = `0x${(magic >>> 0).toString(16)}`;
  const found = [type === '' ? number : `${type} (${number})`, ...new Set(known)].join(', ');
  return known.includes('ro') ? [found, 'unsupported', 'it is mounted read-only'] : [found, 'supported'];
}

const REACH_SENTENCES = {
  everybody: 'they reach every host',
  'this host': 'they are of this host alone',
  unknown: 'whether they reach other hosts is not known',
} as const;

/** What the table says, with what was tried here. */
function locks({ lock, excludes, fileSystem: { locks: reach } }: NativeProbed): Finding {
  if (lock !== '') return [`none (${lock})`, 'job-ended', 'whether a writer on another host is alive cannot be told'];
  const word = LOCK_REACHES[reach] as (typeof LOCK_REACHES)[number];
  const other = ANSWERS[excludes] === 'no' ? 'granted to two processes of this host' : 'granted';
  const found = `${other}; ${REACH_SENTENCES[word]}`;
  if (ANSWERS[excludes] === 'no')
    return [found, 'unsupported', 'two finalizers would not know of each other: run one at a time, with --job-ended'];
  if (word === 'everybody') return [found, 'supported', 'of a writer on another host its lock tells'];
  if (word === 'this host')
    return [found, 'supported', 'where it is exported to other hosts (NFS, SMB, sshfs), --job-ended is needed'];
  return [found, 'job-ended', 'whether a writer on another host is alive cannot be told; --hold and --from show more'];
}

function inodes(probed: NativeProbed): Finding {
  const { renamed, linked, listed, reopened, directory, fileSystem: table } = probed;
  const asked = { 'a rename': renamed, 'a second name': linked, 'a listing': listed, 'another open': reopened };
  const of = (word: string) =>
    Object.entries({ ...asked, 'a rename of a directory': directory }).flatMap(([name, one]) =>
      ANSWERS[one] === word ? [name] : [],
    );
  const changed = of('no');
  const kept = of('yes');
  const parts = [
    ...(kept.length > 0 ? [`the same after ${kept.join(', ')}`] : []),
    ...(changed.length > 0 ? [`another after ${changed.join(', ')}`] : []),
    table.files ? 'known to be stable' : 'not known to be stable',
  ];
  const breaks = ANSWERS[renamed] === 'no' || ANSWERS[reopened] === 'no';
  const bytes = 'a file is known by size and CRC-32C: each temporary file is read once more before it is published';
  if (!table.files) return [parts.join('; '), 'limited', bytes];
  if (breaks) return [parts.join('; '), 'unsupported', 'complete transfers are not known again: use --verify checksum'];
  return [parts.join('; '), 'supported', 'a file is known by its inode'];
}

function times({ granularity }: NativeProbed): Finding {
  if (granularity === 1) return ['1 ns', 'supported'];
  if (granularity === 0) return ['a time that was set does not come back', 'limited', 'files do not keep their times'];
  const unit = granularity >= 1e9 ? `${granularity / 1e9} s` : `${granularity} ns`;
  return [unit, 'limited', `files keep their times to ${unit}`];
}

function xattrs({ xattr, xattrMax }: NativeProbed): Finding {
  if (xattr !== '')
    return [
      `none (${xattr})`,
      'limited',
      "a file whose source has user xattrs fails, unless metadata says 'warn' or 'skip'",
    ];
  return [`up to ${xattrMax} bytes${xattrMax === 65_536 ? ' or more' : ''}`, 'supported'];
}

function names({ nameMax }: NativeProbed): Finding {
  if (nameMax === 0) return ['not told', 'supported'];
  if (nameMax >= NAME_MAX) return [`${nameMax} bytes`, 'supported'];
  return [
    `${nameMax} bytes`,
    'limited',
    `files whose names have more than ${nameMax - TEMPORARY_SUFFIX} bytes are refused`,
  ];
}

function renames({ renameNew, linkNew }: NativeProbed): Finding {
  if (renameNew === '') return ['RENAME_NOREPLACE', 'supported'];
  if (linkNew) return [`${renameNew}; by link and unlink`, 'supported'];
  return [`${renameNew}, nor by link and unlink`, 'unsupported', 'no state file can be made here'];
}

function fsync({ fsyncDirectory }: NativeProbed): Finding {
  if (fsyncDirectory === '') return ['yes', 'supported'];
  return [`no (${fsyncDirectory})`, 'unsupported', "durability 'full' fails here: use 'none'"];
}

const TABLE: Readonly<Record<string, (probed: NativeProbed) => Finding>> = {
  'file system': fileSystem,
  locks,
  'inode numbers': inodes,
  'birth times': ({ birth }) => [
    birth ? 'yes' : 'no',
    'supported',
    birth ? '' : 'ctime tells with the inode which file it is',
  ],
  times,
  'user xattrs': xattrs,
  'longest name': names,
  'rename without replacing': renames,
  'fsync of a directory': fsync,
  'access control lists': ({ acl }) =>
    acl === ''
      ? ['yes', 'supported']
      : [`no (${acl})`, 'limited', 'a file whose source has one fails, unless metadata says otherwise'],
  links: ({ links }) =>
    links
      ? ['owner and times reach the link', 'supported']
      : ['owner and times may reach what it points to', 'limited', 'a link keeps your owner and its own times'],
};

function toReport(dir: Buffer, items: readonly ProbeItem[]): ProbeReport {
  const report = { directory: toText(dir), items };
  return Object.defineProperty(report as ProbeReport, 'directoryBytes', { value: dir });
}

/**
 * Tries what the file system of a directory does, in a directory `.axl-probe-*` that is made there and removed.
 * @throws {AxlError} AXL_IO when nothing can be made there
 */
export async function probe(dir: PathLike): Promise<ProbeReport> {
  const path = absoluteDirectory(dir, 'a directory');
  const probed = await answer(native().probe(path));
  const items = Object.entries(TABLE).map(([item, find]) => {
    const [found, verdict, meaning = ''] = find(probed);
    return { item, found, verdict, meaning };
  });
  return toReport(path, items);
}

/**
 * Keeps a lock there for another host to see, until `signal` fires, or for an hour.
 * @param held is called once it is held
 */
export async function hold(dir: PathLike, signal: AbortSignal, held: () => void): Promise<void> {
  const lock = await answer(native().hold(absoluteDirectory(dir, 'a directory')));
  try {
    held();
    for (let ms = 0; ms < HOLD_MS && !signal.aborted; ms += BEAT_MS) {
      await answer(lock.beat());
      await sleep(BEAT_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    await lock.release();
  }
}

/** What the lock that `host` holds there says. */
export async function seeHold(dir: PathLike, host: string): Promise<ProbeReport> {
  const path = absoluteDirectory(dir, 'a directory');
  const [seen, { locks: reach }] = await Promise.all([
    answer(native().seeHold(path, Buffer.from(host), PATIENCE_MS)),
    answer(native().fileSystem(path)),
  ]);
  const believed = LOCK_REACHES[reach] === 'everybody';
  const finding = (): Finding => {
    if (!seen.found)
      return ['there is no lock of that host', 'cannot tell', 'start the command with --hold there, first'];
    if (seen.lock !== '') return [`there are no locks (${seen.lock})`, 'job-ended', 'nothing can be told of writers'];
    const locked = ANSWERS[seen.locked] === 'yes';
    if (locked && !seen.alive)
      return [
        'it is seen, and its holder is not',
        'cannot tell',
        'a dead host may keep a lock: start --hold there anew',
      ];
    if (locked && believed) return ['it is seen', 'supported', 'of a writer on another host its lock tells'];
    if (locked)
      return [
        'it is seen',
        'job-ended',
        'locks reach this host, but axl-finalize does not rely on them on this file system',
      ];
    if (!seen.alive)
      return ['it is granted here too, and its holder is not seen', 'cannot tell', 'start --hold there anew'];
    const lies =
      'axl-finalize takes locks for reliable here: with live writers, never run it on another host than theirs';
    if (believed && !seen.here) return ['it is granted here too', 'unsupported', lies];
    return ['it is granted here too', 'job-ended', 'whether a writer on another host is alive cannot be told'];
  };
  const [found, verdict, meaning = ''] = finding();
  const same = seen.here ? ' (which runs on this host: so it says nothing of others)' : '';
  return toReport(path, [{ item: `the lock of ${host}${same}`, found, verdict, meaning }]);
}
