// Writes docs/reference/api.md from the docstrings; with --check compares instead, and exits with 77 (skipped) when there is no
// docs/reference/api.md. typedoc empties its output directory, so it works in a temporary one.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contentHash, root, stamped } from './toolchain.mjs';

const published = join(root, 'docs', 'reference', 'api.md');
const check = process.argv.includes('--check');

function generate(out) {
  const typedoc = join(root, 'node_modules', 'typedoc', 'bin', 'typedoc');
  const { status } = spawnSync(process.execPath, [typedoc, '--out', out], { cwd: root, stdio: 'inherit' });
  return status === 0;
}

function compare(fresh) {
  if (readFileSync(fresh, 'utf8') === readFileSync(published, 'utf8')) return 0;
  spawnSync('diff', ['-u', published, fresh], { stdio: 'inherit' });
  console.log('docs/reference/api.md is out of date: run "npm run docs"');
  return 1;
}

function publish(fresh) {
  copyFileSync(fresh, published);
  return 0;
}

if (check && !existsSync(published)) {
  console.log('docs/reference/api.md does not exist: run "npm run docs"');
  process.exit(77);
}
/** What was current stays so while nothing changes of which it is made. */
const stamp = join(root, '.cache', 'docs.stamp');
const inputs = () =>
  contentHash([
    ...[
      'lib',
      'examples/api',
      'docs/reference/api.md',
      'typedoc.json',
      'scripts/docs.mjs',
      'scripts/typedoc-details.mjs',
    ],
    ...['typedoc', 'typedoc-plugin-markdown', 'typescript'].map((name) => `node_modules/${name}/package.json`),
  ]);
if (check && stamped(stamp, inputs())) process.exit();

const out = mkdtempSync(join(tmpdir(), 'axl-docs-'));
try {
  const fresh = join(out, 'api.md');
  if (!generate(out)) process.exitCode = 1;
  else process.exitCode = check ? compare(fresh) : publish(fresh);
} finally {
  rmSync(out, { recursive: true, force: true });
}
if (process.exitCode === 0) {
  mkdirSync(join(root, '.cache'), { recursive: true });
  writeFileSync(stamp, `${inputs()}\n`);
}
