// Makes dist/bin of bin/: axl-finalize.js, axl-verify.js and command.js, which holds lib/cli, what it uses of lib/, and BUNDLED. They
// are CommonJS: to find, link and load a hundred ES modules took longer than Node itself takes to start. What few runs
// need stays a package of its own (fast-glob); of what is here nothing that lib/ loads by import() runs
// before it is needed.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from './toolchain.mjs';

const out = join(root, 'dist', 'bin');
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const BUNDLED = ['commander', 'proper-lockfile'];

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

const common = { platform: 'node', format: 'cjs', target: 'node20', absWorkingDir: root, logLevel: 'silent' };

/** What a license asks for, of the packages that are in the file. */
function notices(metafile) {
  const packages = Object.keys(metafile.inputs).map((path) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  return [...new Set(packages.filter((path) => path !== undefined))].map((path) => {
    const { name, version } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, path)).find((name) => /^licen[cs]e/i.test(name));
    if (!file) throw new Error(`${path} has no license file`);
    return `command.js contains ${name} ${version}:\n\n${readFileSync(join(root, path, file), 'utf8')}`;
  });
}

/** @throws what esbuild says */
export async function bundle() {
  const starters = ['bin/axl-finalize.ts', 'bin/axl-verify.ts'];
  await build({ ...common, entryPoints: starters, outdir: out, bundle: true });
  const { metafile } = await build({
    ...common,
    ...WRAPPER,
    entryPoints: ['bin/command.ts'],
    outdir: out,
    bundle: true,
    metafile: true,
    external: Object.keys(dependencies).filter((name) => !BUNDLED.includes(name)),
    plugins: [lazyChildProcess],
    supported: { 'dynamic-import': false },
    logOverride: { 'empty-import-meta': 'error' },
    define: { 'import.meta.dirname': '__dirname', 'import.meta.url': 'undefined' },
  });
  writeFileSync(join(out, 'package.json'), '{ "type": "commonjs" }\n');
  writeFileSync(join(out, 'LICENSES'), notices(metafile).join('\n'));
}
