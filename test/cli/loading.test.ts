// The addon that cannot be loaded: of each reason one sentence with the remedy. What needs other versions of Node, jest 29 or
// packages from a registry: scripts/check-loading.mjs.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import t, { type Test } from 'tap';
import { nodeTooOld } from '../../lib/base/node-version.js';
import { library, Place, program, root } from '../support.js';

/** What a program prints that creates a transfer, with the library at `url`. */
const create = (url: string) =>
  `import { Transfer } from ${JSON.stringify(url)};\n` +
  `Transfer.create({ name: 'a', stateFile: '/nonexistent/x' }).catch(({ code, message }) => console.log(code, message));`;

const WORKS = /^AXL_IO .*ENOENT/;

async function ends(t: Test, what: string, args: readonly string[], wanted: RegExp, env: Record<string, string> = {}) {
  const { stdout, stderr } = await program(process.execPath, args, { env });
  t.match(stdout, wanted, `${what}: ${stderr}`);
  t.equal(stdout.trimEnd().split('\n').length, 1, `${what}: one sentence`);
}

t.test('which Node is too old is what package.json says', async (t) => {
  const { engines } = JSON.parse(fs.readFileSync(join(root, 'package.json'), 'utf8'));
  t.equal(engines.node, '^20.17.0 || >=22.9.0');
  for (const version of ['18.19.0', '20.16.9', '21.7.3', '22.8.0'])
    t.match(nodeTooOld(version), /20\.17.*22\.9/, version);
  for (const version of ['20.17.0', '20.20.2', '22.9.0', '23.0.0', '24.1.0', '26.0.0'])
    t.equal(nodeTooOld(version), undefined);
});

t.test('without addons, and under the permission model, it says with what to start Node', async (t) => {
  const place = new Place(t);
  const app = place.write('app.mjs', create(library));
  await ends(t, 'as usual', [app], WORKS);
  await ends(t, 'no addons', ['--no-addons', app], /^AXL_BACKEND_UNAVAILABLE .*--no-addons/);
  await ends(t, 'in NODE_OPTIONS', [app], WORKS, { NODE_OPTIONS: '' });
  const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
  const reads = [flag, '--no-warnings', '--allow-fs-read=*'];
  await ends(t, flag, [...reads, app], /^AXL_BACKEND_UNAVAILABLE .*--allow-addons/);
  await ends(t, `${flag} with it`, [...reads, '--allow-addons', app], WORKS);
});

t.test('in a bundle it says to keep the package external, also where the project has a CMakeLists.txt', async (t) => {
  const place = new Place(t);
  place.write('CMakeLists.txt');
  place.write('package.json', '{ "name": "simulation" }');
  const entry = place.write('app.mjs', create(join(root, 'dist/lib/index.js')));
  for (const [format, name] of [
    ['cjs', 'out.cjs'],
    ['esm', 'out.mjs'],
  ] as const) {
    const outfile = place.path(name);
    await build({ entryPoints: [entry], bundle: true, platform: 'node', format, outfile, logLevel: 'silent' });
    await ends(t, format, [outfile], /^AXL_BACKEND_UNAVAILABLE .*keep it external/);
  }
});

t.test('a loader that knows the URL of a module only, as that of jest 29, is enough', async (t) => {
  const place = new Place(t);
  for (const name of ['package.json', 'CMakeLists.txt']) fs.copyFileSync(join(root, name), place.path(name));
  fs.cpSync(join(root, 'dist/lib'), place.path('dist/lib'), { recursive: true });
  fs.symlinkSync(join(root, 'node_modules'), place.path('node_modules'));
  fs.symlinkSync(join(root, 'build'), place.path('build'));
  const path = place.path('dist/lib/base/addon.js');
  const source = fs.readFileSync(path, 'utf8');
  t.ok(source.includes('import.meta.dirname'));
  fs.writeFileSync(path, source.replaceAll('import.meta.dirname', 'undefined'));
  await ends(
    t,
    'by its URL',
    [place.write('app.mjs', create(pathToFileURL(place.path('dist/lib/index.js')).href))],
    WORKS,
  );
});

t.test('where there is no addon, or a broken one, it names a command that is there, and compiles it', async (t) => {
  const place = new Place(t);
  const home = "here is one's package";
  for (const name of ['package.json', 'CMakeLists.txt', 'scripts/axl-transfer.mjs']) {
    fs.mkdirSync(join(place.path(home, name), '..'), { recursive: true });
    fs.copyFileSync(join(root, name), place.path(home, name));
  }
  fs.cpSync(join(root, 'dist/lib'), place.path(home, 'dist/lib'), { recursive: true });
  const app = place.write('app.mjs', create(pathToFileURL(place.path(home, 'dist/lib/index.js')).href));
  const env = { AXL_NATIVE_BINARY: '' };
  const wanted = /^AXL_BACKEND_UNAVAILABLE .*compile it with "npx axl-transfer build", .*: {2}(node .+ build)\n$/;
  await ends(t, 'none', [app], wanted, env);
  place.write(`${home}/build/Release/axl_native.node`, 'no addon');
  await ends(t, 'broken', [app], wanted, env);
  const { stdout } = await program(process.execPath, [app], { env });
  const command = wanted.exec(stdout)?.[1]?.replace(/ build$/, ' --version') ?? 'false';
  t.match((await program('/bin/sh', ['-c', command], { env })).stdout, /^\d+\.\d+\.\d+\n$/, command);
  await ends(t, 'a wrong variable', [app], /AXL_NATIVE_BINARY/, { AXL_NATIVE_BINARY: '/nonexistent.node' });
});

t.test(
  'a prebuilt addon is chosen by platform, processor and libc, and one that was compiled comes first',
  async (t) => {
    const place = new Place(t);
    for (const name of ['package.json', 'CMakeLists.txt']) fs.copyFileSync(join(root, name), place.path(name));
    fs.cpSync(join(root, 'dist/lib'), place.path('dist/lib'), { recursive: true });
    const app = place.write('app.mjs', create(pathToFileURL(place.path('dist/lib/index.js')).href));
    const addon = join(root, 'build/Release/axl_native.node');
    const put = (name: string, bytes: Buffer | string) => {
      fs.mkdirSync(join(place.path(name), '..'), { recursive: true });
      fs.writeFileSync(place.path(name), bytes);
    };
    for (const other of ['linux-s390x-glibc', `linux-${process.arch}-musl`])
      put(`prebuilds/${other}/axl_native.node`, 'not for this machine');
    await ends(t, 'none for this one', [app], /^AXL_BACKEND_UNAVAILABLE .*there is no native addon at .*-glibc\//);
    put(`prebuilds/linux-${process.arch}-glibc/axl_native.node`, fs.readFileSync(addon));
    await ends(t, 'this one', [app], WORKS);
    put('build/Release/axl_native.node', 'not an addon');
    await ends(t, 'one that was compiled', [app], /^AXL_BACKEND_UNAVAILABLE .*build\/Release\/axl_native.node cannot/);
  },
);

t.test('axl-transfer says what it can do, and refuses anything else', async (t) => {
  const script = join(root, 'scripts/axl-transfer.mjs');
  t.match((await program(process.execPath, [script, '--help'])).stdout, /^Usage: axl-transfer build\|cache\n/);
  for (const args of [[], ['built'], ['build', 'x'], ['toString']]) {
    const { status, stdout, stderr } = await program(process.execPath, [script, ...args]);
    t.equal(status, 2, args.join(' '));
    t.equal(stdout, '');
    t.match(stderr, /^axl-transfer: there is no command "[^\n]*--help\n$/);
  }
});
