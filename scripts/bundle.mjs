// Makes dist/bin of bin/: axl-finalize.js and command.js, which holds lib/cli, what it uses of lib/, and commander. They
// are CommonJS: to find, link and load a hundred ES modules took longer than Node itself takes to start. What only some
// runs need stays a package of its own (cli-progress, fast-glob, proper-lockfile), or a part that is not run before it is
// needed (every import() of lib/).
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from './toolchain.mjs';

const out = join(root, 'dist', 'bin');
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const BUNDLED = ['commander'];

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

/** One expression, a function: axl-finalize.ts calls it. Lines are those of the file, as stack traces name them. */
const WRAPPER = { banner: { js: '(function (require, __dirname, __filename) {' }, footer: { js: '})' } };

const common = { platform: 'node', format: 'cjs', target: 'node20', absWorkingDir: root, logLevel: 'error' };

await build({ ...common, entryPoints: ['bin/axl-finalize.ts'], outdir: out });
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
  define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
});

/** What a license asks for, of the packages that are in the file. */
function notices() {
  const names = Object.keys(metafile.inputs).map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  const packages = [...new Set(names.filter((name) => name !== undefined))];
  return packages.map((name) => {
    const { version } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'));
    const license = readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8');
    return `command.js contains ${name} ${version}:\n\n${license}`;
  });
}

writeFileSync(join(out, 'package.json'), '{ "type": "commonjs" }\n');
writeFileSync(join(out, 'LICENSES'), notices().join('\n'));
