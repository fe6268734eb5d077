// Formats the C++ sources, or with --check only reports. One version decides, since each formats a little differently:
// without clang-format 14 it says so and exits with 77 (skipped) in the check, 1 otherwise.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './toolchain.mjs';

const VERSION = 14;
const check = process.argv.includes('--check');

function isWanted(command) {
  const { stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
  return new RegExp(`version ${VERSION}\\.`).test(stdout ?? '');
}

const command = [`clang-format-${VERSION}`, 'clang-format'].find(isWanted);
if (!command) {
  console.log(`clang-format ${VERSION} is not installed (Debian 12: apt-get install clang-format)`);
  process.exit(check ? 77 : 1);
}

const files = ['native', 'test/native', 'test/faults', 'test/fuzz']
  .filter((directory) => existsSync(join(root, directory)))
  .flatMap((directory) => readdirSync(join(root, directory), { recursive: true }).map((name) => join(directory, name)))
  .filter((path) => /\.(cc|h)$/.test(path));
if (files.length === 0) process.exit(0);
const mode = check ? ['--dry-run', '-Werror'] : ['-i'];
process.exitCode = spawnSync(command, [...mode, ...files], { cwd: root, stdio: 'inherit' }).status ?? 1;
