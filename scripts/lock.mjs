// Brings package-lock.json up to date with package.json. The lock file names no registry, so an install asks whichever
// one npm is configured for; npm itself drops the binaries of other platforms when it is told to omit the addresses,
// so they are resolved in an empty directory and taken out afterwards.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './toolchain.mjs';

const NPM = ['install', '--package-lock-only', '--ignore-scripts', '--omit-lockfile-registry-resolved=false'];

const directory = mkdtempSync(join(tmpdir(), 'axl-lock-'));
try {
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) cpSync(join(root, name), join(directory, name));
  const { status } = spawnSync('npm', NPM, { cwd: directory, stdio: 'inherit' });
  if (status === 0) {
    const lock = readFileSync(join(directory, 'package-lock.json'), 'utf8');
    writeFileSync(join(root, 'package-lock.json'), lock.replaceAll(/^ *"resolved": "https?:.*",?\n/gm, ''));
  }
  process.exitCode = status ?? 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
