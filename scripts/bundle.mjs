// The packages that we use, in files of ours: who installs this package installs no other. dist/lib/packages has those of the
// library, one file each. dist/bin is made of bin/: axl-finalize.js, axl-verify.js, axl-cp.js and command.js, which holds lib/cli, what it
// uses of lib/, and commander and proper-lockfile. They are CommonJS: to find, link and load a hundred ES modules took longer
// than Node itself takes to start. What few runs need stays a file of its own (fast-glob); of what is here nothing that lib/
// loads by import() runs before it is needed.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from './toolchain.mjs';

const programs = join(root, 'dist', 'bin');
const packages = join(root, 'dist', 'lib', 'packages');

/** commander loads child_process for commands that are programs of their own. We have none. */
const lazyChildProcess = {
  name: 'lazy child_process',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('/node_modules/commander/') ? { path: 'child_process', namespace: 'lazy' } : undefined,
    );
    onLoad({ filter: /./, namespace: 'lazy' }, () => ({
      contents: "module.exports = { get spawn() { return require('node:child_process').spawn; } };",
    }));
  },
};

/** One expression, a function: start.ts calls it. Lines are those of the file, as stack traces name them. */
const WRAPPER = { banner: { js: '(function (require, __dirname, __filename, started) {' }, footer: { js: '})' } };

const common = {
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  absWorkingDir: root,
  bundle: true,
  metafile: true,
  logLevel: 'silent',
};

/** One that few runs need, as the library has it. */
const ofLibrary = {
  name: 'of the library',
  setup({ onResolve }) {
    onResolve({ filter: /\/packages\/fast-glob\.cjs$/ }, () => ({
      path: '../lib/packages/fast-glob.cjs',
      external: true,
    }));
  },
};

/** What a license asks for, of the packages that are in a file. */
function notices(file, inputs) {
  const found = Object.keys(inputs).map((path) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  return [...new Set(found.filter((path) => path !== undefined))].map((path) => {
    const { name, version } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'));
    const license = readdirSync(join(root, path)).find((name) => /^licen[cs]e/i.test(name));
    if (!license) throw new Error(`${path} has no license file`);
    return `${file} contains ${name} ${version}:\n\n${readFileSync(join(root, path, license), 'utf8')}`;
  });
}

/** Beside the files that esbuild has made. */
function writeNotices(directory, { outputs }) {
  const texts = Object.entries(outputs).flatMap(([path, { inputs }]) => notices(path.replace(/^.*\//, ''), inputs));
  writeFileSync(join(directory, 'LICENSES'), texts.join('\n'));
}

/** dist/lib/packages. @throws what esbuild says */
export async function bundlePackages() {
  const sources = readdirSync(join(root, 'lib', 'packages')).filter((name) => name.endsWith('.cjs'));
  const entryPoints = sources.map((name) => join('lib', 'packages', name));
  const { metafile } = await build({
    ...common,
    entryPoints,
    outdir: packages,
    outExtension: { '.js': '.cjs' },
    minify: true,
  });
  writeNotices(packages, metafile);
}

/** dist/bin. @throws what esbuild says */
export async function bundlePrograms() {
  const starters = ['bin/axl-finalize.ts', 'bin/axl-verify.ts', 'bin/axl-cp.ts'];
  await build({ ...common, entryPoints: starters, outdir: programs });
  const { metafile } = await build({
    ...common,
    ...WRAPPER,
    entryPoints: ['bin/command.ts'],
    outdir: programs,
    plugins: [lazyChildProcess, ofLibrary],
    supported: { 'dynamic-import': false },
    logOverride: { 'empty-import-meta': 'error' },
    define: { 'import.meta.dirname': '__dirname', 'import.meta.url': 'undefined' },
  });
  writeFileSync(join(programs, 'package.json'), '{ "type": "commonjs" }\n');
  writeNotices(programs, metafile);
}
