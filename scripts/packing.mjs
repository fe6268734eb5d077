// The package as a stranger gets it: its tarball, and an empty project with an empty HOME to install it in. Everything lies in
// a scratch directory.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addonPath, platformTag } from './toolchain.mjs';

export const scratch = mkdtempSync(join(tmpdir(), 'axl-pack-'));

/** npm skips the install scripts of dependencies unless told otherwise; versions that do not know the key ignore it. */
export function environment(extra) {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|AXL_)/i.test(name));
  const home = mkdtempSync(join(scratch, 'home-'));
  return { ...Object.fromEntries(own), HOME: home, npm_config_dangerously_allow_all_scripts: 'true', ...extra };
}

/** @returns what it printed on standard output. @throws what it printed, if it failed */
export function run(command, args, cwd, env) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`);
}

export function npm(args, cwd, env) {
  const cli = process.env.npm_execpath;
  return cli?.endsWith('npm-cli.js') ? run(process.execPath, [cli, ...args], cwd, env) : run('npm', args, cwd, env);
}

/** @returns the path of the tarball */
export function pack(from, name) {
  const to = join(scratch, name);
  mkdirSync(to);
  npm(['pack', '--ignore-scripts', '--pack-destination', to], from, environment());
  const [tarball] = readdirSync(to);
  return join(to, tarball);
}

/** The same package with a binary in prebuilds/, packed again. */
export function packPrebuilt(tarball) {
  run('tar', ['-xzf', tarball, '-C', scratch], scratch, process.env);
  const unpacked = join(scratch, 'package');
  const prebuilds = join(unpacked, 'prebuilds', platformTag);
  mkdirSync(prebuilds, { recursive: true });
  cpSync(addonPath, join(prebuilds, 'axl_native.node'));
  return pack(unpacked, 'prebuilt-tarball');
}
