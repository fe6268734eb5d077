// axl-finalize --scr: as whom, from where, and what it says; with programs in the place of SCR's, which note their arguments.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import t, { type Test } from 'tap';
import {
  axlFinalize,
  type ChildOptions,
  isRoot,
  NOBODY,
  noOwnerProcess,
  noUnprivileged,
  Place,
  program,
  root,
  said,
  tree,
  unprivileged,
} from '../support.js';
import { DATASETS, Prefix, RANKS, within, withValue } from './prefix.js';

const BARE = { PATH: '/usr/bin:/bin', SCR_PREFIX: '', SCR_CONF_FILE: '' };
const ENDED = ['--scr', '--job-ended'] as const;

/** What a program in the place of SCR's does after it has noted its arguments, by its name. */
type Does = Partial<Record<'scr_index' | 'scr_flush_file', string>>;

/** An absolute PATH with SCR's programs before all else; what they are called with is in `log`, an argument a line. */
function programs(place: Place, does: Does = {}): { readonly PATH: string; readonly log: () => string[][] } {
  const log = place.write('log', '');
  fs.chmodSync(log, 0o666);
  for (const name of ['scr_index', 'scr_flush_file'] as const) {
    const note = `printf '%s\\n' "${name}" "$@" '' >> '${log}'`;
    place.write(`bin/${name}`, `#!/bin/sh\n${note}\n${does[name] ?? ''}\n`);
    fs.chmodSync(place.path('bin', name), 0o755);
  }
  const read = () =>
    fs
      .readFileSync(log, 'utf8')
      .split('\n\n')
      .filter((call) => call !== '')
      .map((call) => call.split('\n'));
  return { PATH: `${place.path('bin')}:${BARE.PATH}`, log: read };
}

const run = (args: readonly string[], env: Record<string, string> = {}, options: ChildOptions = {}) =>
  axlFinalize([...ENDED, ...args], { ...options, env: { ...BARE, ...env } });

t.test('it says what became of each dataset, and what SCR is to be told', async (t) => {
  const scr = new Prefix(new Place(t).root);
  scr.cut(6);
  const { status, stdout, stderr } = await run([scr.prefix]);
  t.equal(status, 3);
  t.match(stdout, '  output 5 (out.5): published\n');
  const add = `scr_flush_file --dir ${scr.prefix} --summary -s 7 && scr_index --prefix ${scr.prefix} --add=ckpt.7`;
  t.match(stdout, `  To tell SCR of it:  ${add} && scr_index --prefix ${scr.prefix} --current=ckpt.7\n`);
  t.match(stdout, '  checkpoint 6 (ckpt.6): incomplete; ');
  t.match(stdout, `axl-finalize --incomplete=resume --scr --job-ended ${scr.prefix}`);
  t.match(stderr, scr.temporary(6, 2));
  const again = await run(['--json', scr.prefix]);
  t.match(said(again), {
    status: 3,
    inputs: [scr.prefix],
    scr: [
      { id: 5, name: 'out.5', kind: 'output', outcome: 'published before', next: [['scr_flush_file'], ['scr_index']] },
      { id: 7, kind: 'output', outcome: 'published before' },
      { id: 6, kind: 'checkpoint', outcome: 'incomplete' },
    ],
  });
});

t.test("SCR's programs are told of each dataset that is published, the newest checkpoint is current", async (t) => {
  const place = new Place(t);
  const scr = new Prefix(place.root);
  const { PATH, log } = programs(place);
  const { status, stdout } = await run(['-v', scr.prefix], { PATH });
  t.equal(status, 0, stdout);
  const flush = (id: number) => ['scr_flush_file', '--dir', scr.prefix, '--summary', '-s', `${id}`];
  const index = (what: string) => ['scr_index', '--prefix', scr.prefix, what];
  t.same(log(), [
    ...[flush(5), index('--add=out.5')],
    ...[flush(7), index('--add=ckpt.7'), index('--current=ckpt.7')],
    ...[flush(6), index('--add=ckpt.6')],
  ]);
});

t.test('a name is one word for them, and for whoever is to type it, whatever is in it', async (t) => {
  const place = new Place(t);
  const scr = new Prefix(place.root);
  const name = "--a b$(touch '/tmp/axl-never')`id`;é";
  const renamed = within(['DATASET', '5'], withValue('NAME', Buffer.from(name).toString('latin1')));
  scr.change(scr.flush, renamed);
  const { PATH, log } = programs(place, { scr_index: 'case "$3" in --add=--a*) exit 3;; esac' });
  const { status, stderr } = await run([scr.prefix], { PATH });
  t.equal(status, 1);
  t.same(log()[1], ['scr_index', '--prefix', scr.prefix, `--add=${name}`]);
  t.match(stderr, /scr_index failed \(status 3\)/);
  t.notOk(fs.existsSync('/tmp/axl-never'));
  const without = new Prefix(place.mkdir('other'));
  without.change(without.flush, renamed);
  const { stdout } = await run([without.prefix]);
  const [, line = ''] = /To tell SCR of it: {2}(.*)/.exec(stdout) ?? [];
  const typed = spawnSync('bash', ['-c', line], { env: { PATH }, encoding: 'utf8' });
  t.equal(typed.status, 3, typed.stderr);
  t.same(log().at(-1), ['scr_index', '--prefix', without.prefix, `--add=${name}`]);
});

t.test('what a program of SCR fails for keeps its state files, and gets it again; it is published once', async (t) => {
  const place = new Place(t);
  const scr = new Prefix(place.root);
  const { PATH, log } = programs(place, { scr_index: `echo no room >&2; test -e '${place.path('room')}'` });
  const first = await run([scr.prefix], { PATH });
  t.equal(first.status, 1);
  t.match(first.stderr, /out.5 is published, and .*scr_index failed \(status 1\): no room: its state files stay/);
  t.match(first.stdout, 'output 7 (ckpt.7): left');
  scr.published(t, 5);
  t.equal(scr.names(5).states.length, 4);
  place.write('room');
  t.equal((await run([scr.prefix], { PATH })).status, 0);
  for (const dataset of DATASETS) scr.published(t, dataset);
  t.equal(log().filter((call) => call.includes('--add=out.5')).length, 2);
});

t.test('once SCR knows of a dataset nothing of ours is left below the prefix', async (t) => {
  const place = new Place(t);
  const scr = new Prefix(place.root);
  // As SCR's programs leave them: nothing to be flushed, all of it in the index.
  fs.copyFileSync(scr.flush, place.path('flush'));
  fs.copyFileSync(scr.index, place.path('index'));
  scr.change(
    place.path('flush'),
    within(['DATASET'], (all) => all.filter(([id]) => id === '4')),
  );
  const complete = (id: number, name: string): [string, [string, [string, never[]][]][]] => [
    `${id}`,
    [['NAME', [[name, [['COMPLETE', [['1', []]]] as never]]]]],
  ];
  scr.change(
    place.path('index'),
    within(['DSET'], (all) => [...all, complete(5, 'out.5'), complete(6, 'ckpt.6'), complete(7, 'ckpt.7')] as never),
  );
  const { PATH } = programs(place, {
    scr_index: `case "$3" in *ckpt.6) cp '${place.path('flush')}' '${scr.flush}'; cp '${place.path('index')}' '${scr.index}';; esac`,
  });
  t.equal((await run([scr.prefix], { PATH })).status, 0);
  t.same(fs.readdirSync(scr.of(6)), [], 'it was told last');
  const again = await run([scr.prefix], { PATH });
  t.equal(again.status, 0);
  t.match(again.stdout, 'output 5 (out.5): published before\n');
  t.notMatch(again.stdout, 'To tell SCR');
  for (const dataset of DATASETS) t.same(fs.readdirSync(scr.of(dataset)), []);
  const third = await run([scr.prefix], { PATH });
  t.equal(third.status, 0);
  t.notMatch(third.stdout, 'out.5');
});

t.test('the prefix is that of SCR_PREFIX, of the configuration file, or the working directory', async (t) => {
  const place = new Place(t);
  const scr = new Prefix(place.root);
  const file = (text: string) => place.write('scr.conf', text);
  const ways: readonly [Record<string, string>, ChildOptions][] = [
    [{ SCR_PREFIX: scr.prefix }, {}],
    [{ SCR_PREFIX: `\${HERE}/p`, HERE: scr.root }, {}],
    [{}, { cwd: scr.prefix }],
    [{ SCR_CONF_FILE: file(`# SCR_PREFIX=/no\nSCR_DEBUG=1\n scr_prefix = $HERE/p # here\n`), HERE: scr.root }, {}],
  ];
  for (const [env, options] of ways) {
    const { stdout, stderr } = await run(['--dry-run'], env, options);
    t.match(stdout, 'output 5 (out.5): published\n', `${JSON.stringify([env, options])}: ${stderr}`);
  }
  const other = await run(['--dry-run'], { SCR_CONF_FILE: file('SCR_DEBUG=1\n') }, { cwd: scr.prefix });
  t.match(other.stdout, 'output 5 (out.5): published\n', 'a file that does not say');
  const unreadable = await run([], { SCR_CONF_FILE: '/no/such/file' });
  t.equal(unreadable.status, 2);
  t.match(unreadable.stderr, /SCR_CONF_FILE.*\/no\/such\/file/);
});

t.test('a wrong prefix is not taken for one with nothing to do', async (t) => {
  const place = new Place(t);
  const { status, stderr } = await run([place.root]);
  t.equal(status, 1);
  t.match(stderr, /flush.scr: ENOENT.*give the prefix of SCR, the directory that holds .scr/);
});

t.test('command lines that nobody means are refused', async (t) => {
  for (const args of [
    ['--dataset', '.'],
    ['--incomplete', 'delete', '.'],
    ['--axl-in-place', '.'],
    ['.', '..'],
    ['-'],
  ]) {
    const { status, stderr } = await run(args);
    t.equal(status, 2, args.join(' '));
    t.match(stderr, /--scr /);
  }
});

t.test('two at once do it once', async (t) => {
  const scr = new Prefix(new Place(t).root);
  const both = await Promise.all([run(['--wait', scr.prefix]), run(['--wait', scr.prefix])]);
  const wrong = both.filter(({ status }) => status !== 0).map(({ stdout, stderr }) => stdout + stderr);
  t.same(wrong, []);
  for (const dataset of DATASETS) scr.published(t, dataset);
});

t.test('whoever the prefix belongs to needs to be nobody special', { skip: await noUnprivileged() }, async (t) => {
  const place = new Place(t);
  const uid = isRoot ? NOBODY : process.geteuid?.();
  const scr = new Prefix(place.root, uid);
  scr.cut(6);
  place.give(uid ?? 0);
  const { status, stderr } = await run([scr.prefix], {}, unprivileged);
  t.equal(status, 3, stderr);
  for (const dataset of [5, 7]) scr.published(t, dataset);
  scr.untouched(t, 6);
});

t.test(
  'as root it is done by a process of the owner, who is told of it all',
  { skip: await noOwnerProcess() },
  async (t) => {
    const place = new Place(t);
    const scr = new Prefix(place.root, NOBODY);
    scr.cut(6);
    const { PATH, log } = programs(place, { scr_index: `id -u >> '${place.path('users')}'` });
    fs.chmodSync(place.write('users', ''), 0o666);
    place.give(NOBODY);
    const before = tree(scr.of(6));
    const ended = await run(['--json', scr.prefix], { PATH });
    t.match(said(ended), {
      status: 3,
      counts: { published: 8, kept: 4 },
      scr: [
        { id: 5, outcome: 'published' },
        { id: 7, outcome: 'published' },
        { id: 6, outcome: 'incomplete' },
      ],
    });
    for (const dataset of [5, 7]) scr.published(t, dataset);
    t.same(tree(scr.of(6)), before);
    t.same(new Set(fs.readFileSync(place.path('users'), 'utf8').trim().split('\n')), new Set([`${NOBODY}`]));
    t.equal(log().length, 5);
    t.equal(fs.statSync(scr.final(5, 0)).uid, NOBODY);
  },
);

t.test('as root nothing is done where others can have prepared it', { skip: await noOwnerProcess() }, async (t) => {
  const open = new Prefix(new Place(t).root);
  fs.chmodSync(open.dot, 0o777);
  const { status, stderr } = await run([open.prefix]);
  t.equal(status, 1);
  t.match(stderr, /AXL_UNSAFE_PATH|can write to it/);
  for (const dataset of DATASETS) open.untouched(t, dataset);
  const place = new Place(t);
  const linked = new Prefix(place.mkdir('root'));
  const link = place.path('user', 'p');
  fs.mkdirSync(place.path('user'));
  fs.symlinkSync(linked.prefix, link);
  fs.lchownSync(link, NOBODY, NOBODY);
  const followed = await run([link]);
  t.equal(followed.status, 1);
  t.match(followed.stderr, /root follows no symbolic link of user/);
  for (const dataset of DATASETS) linked.untouched(t, dataset);
});

/** '' if SCR's own paths can be laid out. */
function noNamespace(): string {
  if (!isRoot) return "only root can lay out SCR's own paths, /p and /l";
  const { status } = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp']);
  return status === 0 ? '' : 'no mount namespace can be made here (unshare -m)';
}

/** Where the paths of the fixture are, to be covered in a mount namespace. */
function pathsOfFixture(t: Test): void {
  for (const path of ['/p', '/l'].filter((path) => !fs.existsSync(path))) {
    fs.mkdirSync(path);
    t.teardown(() => fs.rmdirSync(path));
  }
}

t.test('the files of the real libraries, at the paths that they recorded', { skip: noNamespace() }, async (t) => {
  const place = new Place(t);
  pathsOfFixture(t);
  const inside = `
    set -e; for dir in /p /l; do mount -t tmpfs tmpfs $dir; done
    cp -r ${root}/test/fixtures/kvtree/dot-scr /p/.scr
    for d in 5 6 7; do mkdir /p/ds.$d
      for r in 0 1 2 3; do head -c 100000 /dev/urandom > /p/ds.$d/data.$r._AXL; done; done
    truncate -s 50000 /p/ds.6/data.2._AXL
    cd /p; status=0
    ${process.execPath} ${root}/dist/bin/axl-finalize.js --scr --job-ended --json || status=$?
    ls -R /p/ds.5 /p/ds.6 /p/ds.7 /p/.scr > ${place.path('left')}
    exit $status`;
  const ended = await program('unshare', ['-m', 'sh', '-c', inside], { env: BARE });
  t.equal(ended.status, 3, ended.stderr);
  t.match(said(ended), {
    inputs: ['.'],
    counts: { published: 8, kept: 4 },
    scr: [
      { id: 5, outcome: 'published' },
      { id: 7, outcome: 'published' },
      { id: 6, outcome: 'incomplete', why: /\/p\/ds.6\/data.2._AXL: this file has 50000 bytes/ },
    ],
  });
  const left = fs.readFileSync(place.path('left'), 'utf8');
  for (const rank of RANKS) t.match(left, `data.${rank}._AXL\n`);
  t.match(left, `/p/ds.5:\n${RANKS.map((rank) => `data.${rank}\n`).join('')}`);
  t.match(left, `/p/ds.7:\n${RANKS.map((rank) => `data.${rank}\n`).join('')}`);
});
