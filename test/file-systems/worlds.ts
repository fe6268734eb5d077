// The file systems of the matrix: how each is started and mounted, and what must be told of it.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import type { Test } from 'tap';
import { isRoot, type Place } from '../support.js';
import { DAEMONS, type Daemon } from './daemons.js';
import { cephFs, glusterFs, mooseFs } from './servers.js';

export interface World {
  readonly name: string;
  /** A part of `npm test`. */
  readonly quick: boolean;
  /** Can two hosts have it? Then it is mounted twice. */
  readonly twice: boolean;
  /** Does axl-finalize know that a lock is seen by both? */
  readonly tells: boolean;
  /** A lock of a dead host stays for some time. */
  readonly keepsLocks: boolean;
  /** Another mount shows other ctimes, so that it is not known what stood at a destination. */
  readonly changesTimes: boolean;
  /** Of its times, in nanoseconds. */
  readonly unit: number;
  /** What must be there. */
  readonly needs: readonly string[];
  /** Starts what serves it. @returns why it cannot, or '' */
  readonly start: (t: Test, place: Place) => string;
  readonly mount: (place: Place, to: string) => string;
  readonly unmount: (path: string) => void;
}

const SECOND = 1e9;

/** Runs a command. @returns what it complained about, or '' */
export function attempt(command: string, ...args: string[]): string {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: 120_000 });
  return status === 0 ? '' : `${command}: ${error?.message ?? `${stderr}`.trim()} (status ${status})`;
}

function unmount(path: string): void {
  for (let i = 0; i < 50 && spawnSync('mountpoint', ['-q', path]).status === 0; i++)
    if (attempt('umount', path) !== '') spawnSync('sleep', ['0.1']);
  if (spawnSync('mountpoint', ['-q', path]).status === 0) attempt('umount', '-l', path);
}

const nothing = (): string => '';

const world = (name: string, more: Partial<World>): World => ({
  ...{
    name,
    quick: false,
    twice: true,
    tells: false,
    keepsLocks: false,
    changesTimes: false,
    unit: 1,
    needs: [],
    unmount,
  },
  ...{ start: nothing, mount: nothing, ...more },
});

/** What a daemon serves out of a directory that is `below`. */
function served(daemon: Daemon, more: Partial<World> = {}): World {
  const start = (_: Test, place: Place): string => {
    for (const name of ['below', 'below.more', 'below.work']) place.mkdir(name);
    fs.chmodSync(place.write('below.server', '#!/bin/sh\nexec /usr/lib/openssh/sftp-server\n'), 0o755);
    return '';
  };
  const mount = (place: Place, to: string): string => {
    const [command, ...args] = DAEMONS[daemon](place.path('below'), to) as [string, ...string[]];
    return attempt(command, ...args);
  };
  return world(daemon, { needs: [daemon], start, mount, ...more });
}

const overlay = world('overlayfs', {
  quick: true,
  twice: false,
  start: (_, place) => {
    for (const name of ['below', 'below/lower', 'below/upper', 'below/work']) place.mkdir(name);
    return '';
  },
  mount: (place, to) => {
    const [lower, upper, work] = ['lower', 'upper', 'work'].map((name) => place.path('below', name));
    return attempt(
      'mount',
      '-t',
      'overlay',
      'overlay',
      '-o',
      `lowerdir=${lower},upperdir=${upper},workdir=${work}`,
      to,
    );
  },
});

const fuse2fs = world('fuse2fs', {
  twice: false,
  unit: SECOND,
  needs: ['fuse2fs', 'mkfs.ext4'],
  start: (_, place) => {
    spawnSync('truncate', ['-s', '2G', place.path('image')]);
    return attempt('mkfs.ext4', '-q', place.path('image'));
  },
  mount: (place, to) => attempt('fuse2fs', place.path('image'), to),
});

/** @returns why it cannot be had here, or '' */
export function noWorld({ needs }: World): string {
  if (!isRoot) return 'only root can mount';
  const missing = needs.filter((command) => spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0);
  return missing.length === 0 ? '' : `not installed: ${missing.join(' ')}`;
}

export const worlds: readonly World[] = [
  overlay,
  served('mergerfs', { quick: true }),
  served('bindfs', { quick: true }),
  served('sshfs', { quick: true, unit: SECOND }),
  served('unionfs-fuse'),
  served('fuse-overlayfs', { twice: false, changesTimes: true }),
  fuse2fs,
  world('GlusterFS', { tells: true, unmount, ...glusterFs }),
  world('CephFS', { tells: true, unmount, ...cephFs }),
  world('MooseFS', { tells: true, keepsLocks: true, unit: SECOND, unmount, ...mooseFs }),
];
