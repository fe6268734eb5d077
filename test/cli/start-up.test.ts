// What axl-finalize costs before it has done anything: which modules it loads, counted and not timed, its code cache, and
// that neither can change what it does.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import t, { type Test } from 'tap';
import { Place, program, root } from '../support.js';

const bin = join(root, 'dist', 'bin');

/** At the end of a program: the modules of Node that it had loaded, and the files that it had required. */
const TELL = `process.on('exit', () => require('fs').writeFileSync(process.env.TOLD, JSON.stringify({
  builtin: process.moduleLoadList.filter((name) => name.startsWith('NativeModule ')).map((name) => name.slice(13)),
  files: Object.keys(require.cache),
})));`;

async function loaded(place: Place, args: readonly string[]) {
  const told = place.path('told.json');
  const tell = place.write('tell.cjs', TELL);
  const command = ['-r', tell, ...args].map((word) => `'${word}'`).join(' ');
  // Files as standard output and error, as for a batch script: a pipe may need a stream.
  const redirected = `'${process.execPath}' ${command} > '${told}.out' 2> '${told}.err'`;
  const { status } = await program('/bin/sh', ['-c', redirected], { env: { TOLD: told } });
  if (status !== 0) throw new Error(fs.readFileSync(`${told}.err`, 'utf8'));
  return JSON.parse(fs.readFileSync(told, 'utf8')) as { builtin: string[]; files: string[] };
}

t.test('an empty directory costs at most five modules of Node, and one file', async (t) => {
  const place = new Place(t);
  const before = await loaded(place, [place.write('nothing.cjs', '')]);
  const { builtin, files } = await loaded(place, [join(bin, 'axl-finalize.js'), place.states]);
  t.match(fs.readFileSync(place.path('told.json.out'), 'utf8'), /^axl-finalize: 0 state files/, 'it did its work');
  const more = builtin.filter((name) => !before.builtin.includes(name));
  t.ok(more.length <= 5, `not ${more.join(', ')}`);
  t.same(
    files.filter((path) => path.startsWith(root)),
    [join(bin, 'axl-finalize.js')],
    'command.js is no module, and loads none',
  );
});

t.test('a copy of axl-cp costs the addon, and what loads it, beside that', async (t) => {
  const place = new Place(t);
  const before = await loaded(place, [place.write('nothing.cjs', '')]);
  const { builtin, files } = await loaded(place, [join(bin, 'axl-cp.js'), place.write('file'), place.path('copied')]);
  t.equal(fs.readFileSync(place.path('copied'), 'utf8'), 'file', 'it did its work');
  const more = builtin.filter((name) => !before.builtin.includes(name));
  t.ok(more.length <= 8, `not ${more.join(', ')}`);
  t.same(
    files.filter((path) => path.startsWith(root) && !path.endsWith('.node')),
    [join(bin, 'axl-cp.js')],
  );
});

/** The program in another package, so that it can be changed. */
function copied(t: Test, change: (bin: string) => void): (args: string[]) => Promise<string> {
  const place = new Place(t);
  fs.cpSync(bin, place.path('dist/bin'), { recursive: true });
  for (const name of ['package.json', 'CMakeLists.txt']) fs.copyFileSync(join(root, name), place.path(name));
  change(place.path('dist/bin'));
  return async (args) =>
    (await program(process.execPath, [place.path('dist/bin/axl-finalize.js'), ...args, place.states])).stdout;
}

t.test("V8 takes the code cache, which is this program's", async (t) => {
  const source = fs.readFileSync(join(bin, 'command.js'));
  const file = fs.readFileSync(join(bin, 'command.cache'));
  t.ok(file.subarray(0, source.length).equals(source), 'the source comes first');
  const script = new Script(source.toString(), { cachedData: file.subarray(source.length) });
  t.equal(script.cachedDataRejected, false);
});

t.test('a program that was changed runs as it is now, not as its code cache has it', async (t) => {
  const run = copied(t, (dir) => {
    const path = join(dir, 'command.js');
    const source = fs.readFileSync(path, 'utf8');
    fs.writeFileSync(path, source.replaceAll('dry run, nothing', 'DRY RUN, NOTHING'));
  });
  t.match(await run(['--dry-run']), 'DRY RUN, NOTHING');
});

t.test('a code cache of another Node is not used: two that have the same V8 would take it, and crash', async (t) => {
  const source = fs.readFileSync(join(bin, 'command.js'));
  const whole = fs.readFileSync(join(bin, 'command.cache'));
  const maker = JSON.stringify([process.arch, process.versions]);
  t.ok(whole.subarray(-maker.length).equals(Buffer.from(maker)), 'at its end it says which Node has made it');
  const cache = whole.subarray(source.length, -maker.length);
  for (const [made, isUsed] of [
    [maker, true],
    [maker.replace(process.versions.v8, '1.0'), false],
    [maker.replace(process.versions.node, '20.0.0'), false],
    ['', false],
  ] as const) {
    const run = copied(t, (dir) => {
      fs.writeFileSync(join(dir, 'command.cache'), Buffer.concat([source, cache, Buffer.from(made)]));
      const path = join(dir, 'axl-finalize.js');
      const starter = fs.readFileSync(path, 'utf8');
      const tell = 'process.stdout.write(cachedData ? "cache taken\\n" : "compiled\\n");';
      const telling = starter.replace('script.runInThisContext()', `${tell} $&`);
      fs.writeFileSync(path, telling);
    });
    t.match(await run([]), isUsed ? /^cache taken\naxl-finalize: 0 / : /^compiled\naxl-finalize: 0 /, made);
  }
});

t.test('without a code cache, and with one that is cut short or is noise, it works the same', async (t) => {
  const source = fs.readFileSync(join(bin, 'command.js'));
  const whole = fs.readFileSync(join(bin, 'command.cache'));
  const noise = Buffer.concat([source, Buffer.alloc(4096, 0x5a)]);
  const caches = [undefined, Buffer.alloc(0), whole.subarray(0, source.length), whole.subarray(0, -1000), noise];
  for (const cache of caches) {
    const run = copied(t, (dir) => {
      fs.rmSync(join(dir, 'command.cache'));
      if (cache) fs.writeFileSync(join(dir, 'command.cache'), cache);
    });
    t.match(await run([]), /^axl-finalize: 0 state files/);
  }
});

t.test('every package that is in the program has its license beside it', async (t) => {
  const source = fs.readFileSync(join(bin, 'command.js'), 'utf8');
  const names = [...source.matchAll(/^ *"?(?:\/\/ )?node_modules\/((?:@[^/]+\/)?[^/]+)\//gm)].map((match) => match[1]);
  t.ok(names.includes('commander') && names.includes('proper-lockfile'));
  const licenses = fs.readFileSync(join(bin, 'LICENSES'), 'utf8');
  for (const name of new Set(names)) t.match(licenses, `command.js contains ${name} `);
  const packages = join(root, 'dist/lib/packages');
  for (const name of fs.readdirSync(packages).filter((each) => each.endsWith('.cjs')))
    t.match(fs.readFileSync(join(packages, 'LICENSES'), 'utf8'), `${name} contains ${name.slice(0, -4)} `);
});

t.test('who installs this package installs no other', async (t) => {
  const { dependencies, optionalDependencies, peerDependencies, scripts } = JSON.parse(
    fs.readFileSync(join(root, 'package.json'), 'utf8'),
  );
  t.same([dependencies, optionalDependencies, peerDependencies], [undefined, undefined, undefined]);
  t.notOk(
    ['preinstall', 'install', 'postinstall'].some((name) => name in scripts),
    'and runs no script',
  );
});

t.test('a reader that is slow holds nothing up, and gets everything in order', async (t) => {
  const place = new Place(t);
  for (let i = 0; i < 2000; i++) fs.writeFileSync(place.path('states', `no-state-file-${i}`), '');
  const report = place.path('report.json');
  const output = place.path('output');
  // Nothing is read before the report is there, which is written last; a pipe holds 64 KiB.
  const there = `i=0; until [ -e ${report} ] || [ $i -ge 9000 ]; do i=$((i+1)); sleep 0.05; done; [ -e ${report} ]`;
  const slow = `"$@" | { ${there} && cat > ${output}; }`;
  const args = [process.execPath, join(bin, 'axl-finalize.js'), '--json', '--report', report, place.states];
  const { status } = await program('/bin/sh', ['-c', slow, 'sh', ...args]);
  t.equal(status, 0);
  t.ok(fs.statSync(output).size > 1 << 17);
  t.ok(fs.readFileSync(output).equals(fs.readFileSync(report)));
});
