// The command line of axl-finalize, end to end: each option, each exit status, signals. What it prints: cli-output.test.ts.
// What the options do to transfers is tested as finalize() in finalize-options.test.ts.
import * as fs from 'node:fs';
import t from 'tap';
import { FINALIZE_OPTIONS } from '../../lib/cli/options.js';
import { begin, leave, quiet, temporaryName } from '../journals.js';
import { axlFinalize, type ChildOptions, Place, takeLock, temporaries, tree } from '../support.js';

const lines = (text: string) => (text === '' ? [] : text.trimEnd().split('\n'));

type OnStdout = NonNullable<ChildOptions['onStdout']>;

/** Does something when an axl-finalize --ndjson waits; it says so again and again. */
function onceWaiting(act: (kill: Parameters<OnStdout>[1]) => unknown): OnStdout {
  let isWaiting = false;
  return (text, kill) => {
    if (isWaiting || !text.includes('"wait"')) return;
    isWaiting = true;
    act(kill);
  };
}

/** The options that it takes, and what they must leave behind, for a place with a complete and an incomplete transfer. */
const OPTIONS: readonly (readonly [string[], number, RegExp])[] = [
  [['--incomplete', 'delete'], 3, /1 published, 1 rolled-back/],
  [['--incomplete=keep'], 3, /1 published, 1 kept/],
  [['--incomplete', 'resume'], 0, /2 published.*1 transfer completed from the sources/],
  [['--incomplete', 'resume', '--fallback', 'delete'], 0, /2 published/],
  [['--dataset'], 3, /1 published, 1 rolled-back/],
  [['--dataset=complete'], 0, /1 published; /],
  [['--dataset=none'], 0, /0 state files; /],
  [['--scr', '--job-ended'], 1, /0 state files; 1 input not read/],
  [['--expect', '2'], 3, /1 published, 1 rolled-back/],
  [['--expect', '3'], 7, /2 of 3 expected/],
  [['--fail-if-none'], 3, /1 published, 1 rolled-back/],
  [['--dataset=none', '--fail-if-none'], 7, /nothing was done/],
  [['--wait'], 3, /1 published, 1 rolled-back/],
  [['--wait=30s'], 3, /1 published, 1 rolled-back/],
  [['--job-ended'], 3, /1 published, 1 rolled-back/],
  [['--writer-dead', 'a', '--writer-dead', 'b'], 3, /1 published, 1 rolled-back/],
  [['--adopt'], 3, /1 published, 1 rolled-back/],
  [['--jobs', '2'], 3, /1 published, 1 rolled-back/],
  [['--shard', '0/1'], 3, /1 published, 1 rolled-back/],
  [['--shard', 'auto'], 3, /1 published, 1 rolled-back/],
  [['--root', '/usr', '--root', '/nonexistent'], 1, /0 state files/],
  [['--root', '/usr'], 1, /2 failed/],
  [['--verify', 'none'], 3, /1 published/],
  [['--verify', 'checksum'], 3, /1 published/],
  [['--overwrite', 'fail'], 3, /1 published/],
  [['--overwrite', 'keep'], 3, /1 published/],
  [['--owner', 'skip'], 3, /1 published/],
  [['--metadata', 'warn'], 3, /1 published/],
  [['--metadata', 'owner=warn,acls=skip'], 3, /1 published/],
  [['--keep-state'], 3, /1 published/],
  [['--axl-in-place'], 3, /1 published, 1 rolled-back/],
  [['--on-published', 'test "$AXL_NAME" != ""'], 3, /1 published/],
  [['--on-published', 'false'], 1, /1 failed/],
  [['--on-lock', 'fail'], 3, /1 published/],
  [['--recursive'], 3, /1 published, 1 rolled-back/],
  [['--pattern', 'com*', '--pattern', 'x*'], 0, /1 state file: 1 published/],
  [['--exclude', 'inc*'], 0, /1 state file: 1 published/],
  [['--dry-run'], 3, /1 published, 1 rolled-back.*dry run, nothing was changed/],
  [['-v'], 3, /^published .*\/complete/m],
  [['--verbose'], 3, /^rolled-back .*\/incomplete/m],
  [['--no-progress'], 3, /1 published/],
  [['--quiet'], 3, /^$/],
];

t.test('every option has a test', async (t) => {
  const known = FINALIZE_OPTIONS.map(({ name }) => name);
  const given = OPTIONS.flatMap(([args]) => args.map((arg) => arg.split('=')[0]));
  const elsewhere = ['--json', '--ndjson', '--report', '--metrics', '--version', '--help'];
  t.same(
    known.filter((name) => !given.includes(name) && !elsewhere.includes(name)),
    [],
    'each has a test',
  );
});

t.test('every option is taken, and does what it says', async (t) => {
  for (const [args, status, output] of OPTIONS) {
    const place = new Place(t);
    await leave.complete(place, 'complete');
    await leave.incomplete(place, 'incomplete');
    const before = tree(place.root);
    const ended = await axlFinalize([...args, place.states]);
    t.equal(ended.status, status, `${args.join(' ')}: ${ended.stderr}`);
    t.match(ended.stdout, output, args.join(' '));
    if (args[0] === '--dry-run') t.same(tree(place.root), before);
  }
});

t.test('--fallback delete gives up what cannot be resumed, and keep is the default', async (t) => {
  for (const [args, action] of [
    [[], 'kept'],
    [['--fallback', 'delete'], 'rolled-back'],
  ] as const) {
    const place = new Place(t);
    await leave.incomplete(place, 'a');
    fs.rmSync(place.path('source/a'));
    const { status, stdout } = await axlFinalize(['--incomplete', 'resume', ...args, place.states]);
    t.equal(status, 3);
    t.match(stdout, `1 ${action}`);
  }
});

t.test('status 0: all published', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  t.equal((await axlFinalize([place.states])).status, 0);
});

t.test('status 1: something failed, with its file, call and cause, and the command to run again', async (t) => {
  const place = new Place(t);
  const stateFile = await leave.complete(place, "it's");
  fs.rmSync(temporaryName(stateFile, place.path('dest', "it's")));
  const { status, stdout, stderr } = await axlFinalize(['--jobs', '2', place.states]);
  t.equal(status, 1);
  t.match(stderr, `axl-finalize: ${stateFile}: `);
  t.equal(lines(stderr).length, 1);
  t.match(stdout, `axl-finalize --jobs 2 ${place.states}\n`);
});

t.test('status 1: an input that cannot be read is named, and nothing is deleted', async (t) => {
  const place = new Place(t);
  await leave.incomplete(place, 'a');
  const { status, stdout, stderr } = await axlFinalize([place.states, place.path('missing')]);
  t.equal(status, 1);
  t.match(stderr, /^axl-finalize: \w+ .*\/missing: ENOENT, /);
  t.match(stdout, /nothing was deleted/i);
  t.same(fs.readdirSync(place.states), ['a']);
});

t.test('a directory that another finalizer has: status 4, with --on-lock fail status 1', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  takeLock(place.path(`states/.axl-finalize.${process.geteuid?.() ?? 0}.lock`));
  const [skip, fail] = await Promise.all([axlFinalize([place.states]), axlFinalize(['--on-lock=fail', place.states])]);
  t.equal(skip.status, 4);
  t.equal(fail.status, 1);
  t.match(skip.stdout, '1 directory left to another finalizer');
  t.match(skip.stderr, place.states);
});

t.test('status 3: what was rolled back or kept is no failure, and what to do is said', async (t) => {
  const place = new Place(t);
  await leave.incomplete(place, 'a');
  fs.renameSync(place.states, place.path('keep'));
  const kept = await axlFinalize(['--incomplete', 'keep', '--jobs=1', 'keep'], { cwd: place.root });
  t.equal(kept.status, 3);
  t.match(kept.stdout, 'axl-finalize --incomplete=resume --jobs=1 keep\n');
  fs.renameSync(place.path('keep'), place.states);
  t.equal(kept.stderr, '');
  t.equal((await axlFinalize([place.states])).status, 3);
});

t.test('status 4: a live transfer is busy; --wait waits for it', async (t) => {
  const place = new Place(t);
  const transfer = await begin(place, 'a');
  await transfer.dispatch();
  await quiet(transfer);
  const busy = await axlFinalize([place.states]);
  t.equal(busy.status, 4);
  t.match(busy.stdout, `axl-finalize --wait ${place.states}\n`);
  t.equal((await axlFinalize(['--wait=100ms', place.states])).status, 4);
  const onStdout = onceWaiting(() => transfer[Symbol.asyncDispose]());
  t.equal((await axlFinalize(['--ndjson', '--wait', place.states], { onStdout })).status, 0);
  t.same(tree(place.dest), { a: 'source/a' });
});

t.test('status 5: corrupt and newer state files, before 4 and 3, after 1', async (t) => {
  const place = new Place(t);
  await leave.corrupt(place, 'a');
  await leave.newer(place, 'b');
  await leave.incomplete(place, 'c');
  const { status, stderr } = await axlFinalize(['--incomplete', 'keep', place.states]);
  t.equal(status, 5);
  t.match(stderr, place.path('states/a'));
  t.match(stderr, place.path('states/b'));
  t.equal((await axlFinalize(['--incomplete', 'keep', place.states, place.path('missing')])).status, 1);
});

t.test('status 6: SIGTERM or SIGINT ends a wait or a resume at once, and the next run goes on', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const place = new Place(t);
    await using busy = await begin(place, 'a');
    await busy.dispatch();
    const args = ['--ndjson', '--wait', place.states];
    const onStdout = onceWaiting((kill) => kill(signal)); // a second one would end it by that signal
    const ended = await axlFinalize(args, { onStdout });
    t.equal(ended.status, 6, ended.stderr);
    t.match(JSON.parse(lines(ended.stdout).at(-1) ?? ''), { event: 'end', status: 6, report: { interrupted: true } });
    await quiet(busy);
    await busy[Symbol.asyncDispose]();
    t.equal((await axlFinalize([place.states])).status, 0);
  }
});

t.test('SIGTERM during a long resume leaves what is under way to the next run', async (t) => {
  const place = new Place(t);
  place.mkdir('dest');
  const size = 1 << 30;
  fs.truncateSync(place.write('source/big', ''), size);
  fs.writeFileSync(place.path('source/big'), Buffer.alloc(64 << 20, 7), { flag: 'r+' });
  const transfer = await place.create();
  await transfer.add(place.path('source/big'), place.dest);
  await transfer.dispatch();
  await transfer.cancel();
  await transfer[Symbol.asyncDispose]();
  let told = false; // a second signal would end it at once
  const onStdout: OnStdout = (text, kill) => {
    if (!told && text.includes('"scan"')) {
      told = true;
      kill('SIGTERM');
    }
  };
  const first = await axlFinalize(['--incomplete', 'resume', '--ndjson', place.states], { onStdout });
  t.ok([0, 6].includes(first.status ?? -1), `${first.status} ${first.stderr}`);
  const second = await axlFinalize(['--incomplete', 'resume', place.states]);
  t.equal(second.status, 0, second.stderr);
  t.same(temporaries(place.dest), []);
  t.ok(
    fs
      .readFileSync(place.path('dest/big'))
      .subarray(0, 64 << 20)
      .equals(Buffer.alloc(64 << 20, 7)),
  );
});

t.test('a second signal ends it by that signal', async (t) => {
  const place = new Place(t);
  await using busy = await begin(place, 'a');
  await busy.dispatch();
  const onStdout = onceWaiting((kill) => {
    kill('SIGSTOP'); // so that both are there before it may end
    kill('SIGTERM');
    kill('SIGINT');
    kill('SIGCONT');
  });
  const { status, signal } = await axlFinalize(['--ndjson', '--wait', place.states], { onStdout });
  t.ok(signal === 'SIGINT' || signal === 'SIGTERM', `${status} ${signal}`);
});

t.test('status 2: a wrong command line is told on stderr, and nothing is done', async (t) => {
  const place = new Place(t);
  await leave.incomplete(place, 'a');
  const before = tree(place.root);
  const wrong = [
    ['--dryrun'],
    ['--incomplete'],
    ['--incomplete', 'maybe'],
    ['--fallback', 'keep'],
    ['--jobs', '0'],
    ['--jobs', '257'],
    ['--jobs', '1.5'],
    ['--wait=soon'],
    ['--wait=-1s'],
    ['--shard', '2/2'],
    ['--shard', 'half'],
    ['--json', '--ndjson'],
    ['--quiet', '-v'],
    ['--overwrite', 'always'],
    ['--metadata', 'owner=fail,owner=warn'],
    ['-x'],
    [''],
    ['--wait', '5m'],
    ['--wait='],
    ['--dataset', 'incomplete'],
    ['--dataset='],
    ['--pattern', ''],
    ['--pattern', 'below/*'],
    ['--pattern', 'a', '--pattern', '/p/*'],
    ['--exclude', ''],
    ['--root', ''],
    ['--report', ''],
    ['--metrics='],
  ].map((args) => [...args, place.states]);
  const others = [[], ['inspect'], ['inspect', 'a', 'b'], ['list'], ['list', '--sort', 'colour', place.states]];
  for (const args of [...wrong, ...others]) {
    const ended = await axlFinalize(args);
    t.equal(ended.status, 2, args.join(' '));
    t.match(ended.stderr, /^axl-finalize: /, args.join(' '));
    t.equal(ended.stdout, '');
  }
  t.match((await axlFinalize(['--dryrun', place.states])).stderr, '--dry-run', 'what was meant is suggested');
  t.same(tree(place.root), before);
});

t.test(
  'what follows --wait or --dataset is an INPUT if it is there; only its absence shows that = was forgotten',
  async (t) => {
    const place = new Place(t);
    await leave.complete(place, 'a');
    fs.renameSync(place.states, place.path('5m'));
    const cwd = place.root;
    t.match(await axlFinalize(['--wait', '4m', '5m'], { cwd }), { status: 2, stderr: /--wait=4m/ });
    t.match(await axlFinalize(['--dataset', 'a', '5m'], { cwd }), { status: 2, stderr: /--dataset=a/ });
    t.match(await axlFinalize(['--wait', '--', '4m', '5m'], { cwd }), { status: 1, stderr: /4m: ENOENT/ });
    t.equal(fs.readdirSync(place.path('5m')).length, 0, 'which named its inputs beyond doubt');
    await place.mkdir('4m');
    t.match(await axlFinalize(['--wait', '4m'], { cwd }), { status: 0, stdout: /0 state files/ });
  },
);

t.test('a --pattern that only a file below the directory can match needs --recursive', async (t) => {
  const place = new Place(t);
  fs.renameSync(await leave.complete(place, 'a'), `${place.mkdir('states/below')}/a`);
  await leave.complete(place, 'b');
  for (const pattern of ['below/*', 'b*/a', `${place.states}/*`])
    t.equal((await axlFinalize(['--pattern', pattern, place.states])).status, 2, pattern);
  for (const pattern of ['**/b', './b', '{below/,}b'])
    t.match((await axlFinalize(['--dry-run', '--pattern', pattern, place.states])).stdout, '1 published', pattern);
  t.match((await axlFinalize(['--recursive', '--pattern', 'below/*', place.states])).stdout, '1 published');
  t.same(fs.readdirSync(place.states).sort(), ['b', 'below']);
});
