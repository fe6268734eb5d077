// The package as a stranger gets it: its tarball, and an empty project with an empty HOME to install it in. Everything lies in
// a scratch directory.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export const scratch = mkdtempSync(join(tmpdir(), 'axl-pack-'));

/** None of our settings, and none of the npm that runs us. Scripts of packages are not run, whichever the package manager. */
export function environment(extra) {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|AXL_)/i.test(name));
  const home = mkdtempSync(join(scratch, 'home-'));
  const blocked = { npm_config_ignore_scripts: 'true', YARN_ENABLE_SCRIPTS: '0', YARN_ENABLE_TELEMETRY: '0' };
  return { ...Object.fromEntries(own), HOME: home, ...blocked, ...extra };
}

/** @returns what it printed on standard output. @throws what it printed, if it failed */
export function run(command, args, cwd, env) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`);
}

/** The npm that runs us, or the one on PATH. */
export function npm(args, cwd, env) {
  const cli = process.env.npm_execpath;
  return cli?.endsWith('npm-cli.js') ? run(process.execPath, [cli, ...args], cwd, env) : run('npm', args, cwd, env);
}

/** A directory with a package.json of its own. */
export function emptyProject(name) {
  const project = join(scratch, name);
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "stranger", "private": true }\n');
  return project;
}

/** Installs one package of the registry for itself. @returns its directory */
export function fetched(name, version) {
  const project = emptyProject(`${name.replaceAll('/', '-')}@${version}`);
  npm(['install', '--no-audit', '--no-fund', '--force', `${name}@${version}`], project, environment());
  return join(project, 'node_modules', name);
}

/** @returns the path of the tarball, made of what is there */
export function pack(from, name) {
  const to = join(scratch, name);
  mkdirSync(to);
  npm(['pack', '--ignore-scripts', '--pack-destination', to], from, environment());
  const [tarball] = readdirSync(to);
  return join(to, tarball);
}

/** A PATH with Node and a shell, and nothing that compiles. */
export function pathWithoutCompiler() {
  const bin = join(scratch, 'bin');
  mkdirSync(bin);
  for (const tool of ['sh', 'env', 'uname', 'ldd', 'getconf', 'cat', 'tar']) {
    const found = process.env.PATH.split(delimiter).find((directory) => existsSync(join(directory, tool)));
    if (found) symlinkSync(join(found, tool), join(bin, tool));
  }
  symlinkSync(process.execPath, join(bin, 'node'));
  return bin;
}
