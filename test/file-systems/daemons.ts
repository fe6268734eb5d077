// File systems that are mounted for one test, by what a Debian package brings.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import type { Test } from 'tap';
import { isRoot, type Place } from '../support.js';

/** The command that mounts a directory at another one. None of these daemons forwards flock. */
export const DAEMONS = {
  mergerfs: (from: string, to: string) => ['mergerfs', '-o', 'allow_other', `${from}:${from}.more`, to],
  bindfs: (from: string, to: string) => ['bindfs', from, to],
  'unionfs-fuse': (from: string, to: string) => ['unionfs-fuse', '-o', 'cow,allow_other', `${from}=RW`, to],
  // Without ssh: the server of its protocol, by a pipe.
  sshfs: (from: string, to: string) => ['sshfs', '-o', `ssh_command=${from}.server`, `here:${from}`, to],
  'fuse-overlayfs': (from: string, to: string) => [
    ...['fuse-overlayfs', '-o', `lowerdir=${from}.more,upperdir=${from},workdir=${from}.work`, to],
  ],
} as const;

export type Daemon = keyof typeof DAEMONS;

/** Mounts `below` at `to`. @returns why it cannot be done here, or '' */
export function mount(t: Test, place: Place, daemon: Daemon, to: string): string {
  if (!isRoot) return 'only root can mount';
  if (spawnSync('sh', ['-c', `command -v ${daemon}`]).status !== 0) return `${daemon} is not installed`;
  const from = place.mkdir('below');
  for (const more of ['below.more', 'below.work']) place.mkdir(more);
  fs.chmodSync(place.write('below.server', '#!/bin/sh\nexec /usr/lib/openssh/sftp-server\n'), 0o755);
  const [command, ...args] = DAEMONS[daemon](from, place.mkdir(to)) as [string, ...string[]];
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) return `${daemon} cannot be mounted here: ${stderr.trim()}`;
  t.teardown(() => spawnSync('umount', ['-l', place.path(to)]));
  return '';
}
