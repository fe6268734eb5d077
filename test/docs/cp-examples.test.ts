// The examples of axl-cp for ranks that are no Node programs: a shell script, Python, C. Each publishes a checkpoint, also when
// its copy is killed, and says so when it cannot.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { inspect } from '../../lib/index.js';
import { bytes, CP_BINARY, type Ended, Place, program, root, temporaries, tree } from '../support.js';

const EXAMPLES = join(root, 'examples');
const without = (tool: string) => (spawnSync(tool, ['--version']).status === 0 ? false : `${tool} is not installed`);

interface Example {
  readonly name: string;
  readonly skip: string | false;
  /** The command, before its arguments. */
  readonly command: (place: Place) => readonly string[];
  readonly args: (place: Place) => readonly string[];
  readonly says: RegExp;
}

function compiled(place: Place): string {
  const out = place.path('checkpoint');
  const source = join(EXAMPLES, 'c/checkpoint.c');
  const { status, stderr } = spawnSync('cc', ['-std=c11', '-Wall', '-Wextra', '-Werror', '-o', out, source]);
  if (status !== 0) throw new Error(`${stderr}`);
  return out;
}

const IN_STATES = (place: Place) => [place.path('ckpt'), place.path('dest'), place.states];
const EXAMPLE: readonly Example[] = [
  {
    name: 'shell',
    skip: false,
    command: () => ['sh', join(EXAMPLES, 'shell/rank.sh'), '0'],
    args: IN_STATES,
    says: /^rank 0: published/,
  },
  {
    name: 'python',
    skip: without('python3'),
    command: () => ['python3', join(EXAMPLES, 'python/checkpoint.py')],
    args: IN_STATES,
    says: /^published: 2 files, 1048577 bytes\n$/,
  },
  {
    name: 'c',
    skip: without('cc'),
    command: (place) => [compiled(place)],
    args: (place) => [place.path('ckpt'), `${place.path('dest')}/`, place.path('states/ckpt.0')],
    says: /^published\n$/,
  },
];

/** axl-cp on a PATH; what is copied in the background stands still if it is to be killed, and a file says that it does. */
function install(place: Place, stands: boolean): string {
  const command = `'${process.execPath}' '${CP_BINARY}' "$@"`;
  const still = `case " $* " in *" --background "*) AXL_DEBUG_PAUSE_AFTER=1 ${command}; s=$?; : > dispatched; exit $s ;; esac`;
  const path = place.write('bin/axl-cp', `#!/bin/sh\n${stands ? `${still}\n` : ''}exec ${command}\n`);
  fs.chmodSync(path, 0o755);
  return `${place.path('bin')}:${process.env.PATH}`;
}

function run(place: Place, { command, args }: Example, stands = false): Promise<Ended> {
  const [first = '', ...more] = [...command(place), ...args(place)];
  return program(first, more, { env: { PATH: install(place, stands) }, cwd: place.root });
}

function ready(place: Place): void {
  place.write('ckpt/a', 'A');
  place.write('ckpt/b', bytes(1 << 20));
}

async function killed(place: Place): Promise<void> {
  while (!fs.existsSync(place.path('dispatched'))) await new Promise((resolve) => setTimeout(resolve, 10));
  process.kill(inspect(place.path('states/ckpt.0')).pid, 'SIGKILL');
}

for (const example of EXAMPLE)
  t.test(`examples/${example.name}`, { skip: example.skip }, async (t) => {
    await t.test('publishes a checkpoint', async (t) => {
      const place = new Place(t);
      ready(place);
      const { status, stdout, stderr } = await run(place, example);
      t.same([status, stderr], [0, '']);
      t.match(stdout, example.says);
      t.same(tree(place.path('dest/ckpt')), tree(place.path('ckpt')));
      t.same(tree(place.states), {});
    });

    await t.test('goes on when its copy is killed', async (t) => {
      const place = new Place(t);
      ready(place);
      const running = run(place, example, true);
      await killed(place);
      const { status, stdout, stderr } = await running;
      t.equal(status, 0, stderr);
      t.match(stdout, example.says);
      t.match(stderr, /the copy was killed/);
      t.same(tree(place.path('dest/ckpt')), tree(place.path('ckpt')));
      t.same([tree(place.states), temporaries(place.root)], [{}, []]);
    });

    await t.test('says why it cannot', async (t) => {
      const place = new Place(t);
      const { status, stdout, stderr } = await run(place, example);
      t.same([status, stdout], [1, '']);
      t.match(stderr, /ckpt: ENOENT, no such file or directory/);
    });
  });
