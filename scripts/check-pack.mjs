// Packs the package and uses it as a stranger would, from an empty project with an empty HOME: once compiled at
// install time, once from a prebuilt binary with no compiler on PATH. Each time: one transfer, and axl-finalize --help.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { addonPath, platformTag, root } from './toolchain.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'axl-pack-'));

/** npm skips the install scripts of dependencies unless told otherwise; versions that do not know the key ignore it. */
function environment(extra) {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|AXL_)/i.test(name));
  const home = mkdtempSync(join(scratch, 'home-'));
  return { ...Object.fromEntries(own), HOME: home, npm_config_dangerously_allow_all_scripts: 'true', ...extra };
}

function run(command, args, cwd, env) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`);
}

function npm(args, cwd, env) {
  const cli = process.env.npm_execpath;
  return cli?.endsWith('npm-cli.js') ? run(process.execPath, [cli, ...args], cwd, env) : run('npm', args, cwd, env);
}

function pack(from, name) {
  const to = join(scratch, name);
  mkdirSync(to);
  npm(['pack', '--ignore-scripts', '--pack-destination', to], from, environment());
  const [tarball] = readdirSync(to);
  return join(to, tarball);
}

/** The same package with a binary in prebuilds/, packed again. */
function packPrebuilt(tarball) {
  run('tar', ['-xzf', tarball, '-C', scratch], scratch, process.env);
  const unpacked = join(scratch, 'package');
  const prebuilds = join(unpacked, 'prebuilds', platformTag);
  mkdirSync(prebuilds, { recursive: true });
  cpSync(addonPath, join(prebuilds, 'axl_native.node'));
  return pack(unpacked, 'prebuilt-tarball');
}

/** A PATH with Node, npm and a shell, and nothing that compiles. */
function pathWithoutCompiler() {
  const bin = join(scratch, 'bin');
  mkdirSync(bin);
  for (const tool of ['sh', 'env', 'npm', 'uname', 'ldd', 'getconf', 'cat']) {
    const found = process.env.PATH.split(delimiter).find((directory) => existsSync(join(directory, tool)));
    if (found) symlinkSync(join(found, tool), join(bin, tool));
  }
  symlinkSync(process.execPath, join(bin, 'node'));
  return bin;
}

function use(name, tarball, env) {
  const started = performance.now();
  const project = join(scratch, name);
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "stranger", "private": true }\n');
  npm(['install', '--no-audit', '--no-fund', '--foreground-scripts', tarball], project, env);
  cpSync(join(root, 'test', 'smoke.mjs'), join(project, 'smoke.mjs'));
  run(process.execPath, ['smoke.mjs', 'axl-transfer'], project, env);
  if (!existsSync(join(project, 'node_modules/axl-transfer/dist/lib/index.d.ts'))) throw new Error('it has no types');
  const help = run(join(project, 'node_modules', '.bin', 'axl-finalize'), ['--help'], project, env);
  if (!help.includes('axl-finalize')) throw new Error(`axl-finalize --help printed:\n${help}`);
  console.log(`ok package, ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}

try {
  const tarball = pack(root, 'tarball');
  use('compiled', tarball, environment());
  use('prebuilt', packPrebuilt(tarball), environment({ PATH: pathWithoutCompiler() }));
} catch (error) {
  console.error(`NOT OK package: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
