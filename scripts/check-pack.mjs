// Packs the package and uses it as a stranger would, from an empty project with an empty HOME: once compiled at
// install time, once from a prebuilt binary with no compiler on PATH. Each time: one transfer, and --help of each program.
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { environment, npm, pack, packPrebuilt, run, scratch } from './packing.mjs';
import { root } from './toolchain.mjs';

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
  for (const program of ['axl-finalize', 'axl-verify']) {
    const help = run(join(project, 'node_modules', '.bin', program), ['--help'], project, env);
    if (!help.startsWith(`Usage: ${program}`)) throw new Error(`${program} --help printed:\n${help}`);
  }
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
