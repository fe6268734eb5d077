// What axl-finalize prints and reads, end to end: help, documents, metrics, lists on stdin, terminals, inspect and list.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { FINALIZE_OPTIONS } from '../../lib/cli/options.js';
import { STATUSES } from '../../lib/cli/statuses.js';
import type { FinalizedEntry, FinalizeEvent, ListedTransfer } from '../../lib/index.js';
import { newUuid, Records, string, time, u8, u32, u64 } from '../hostile/forge.js';
import { cutBefore, leave, TYPE } from '../journals.js';
import {
  axlFinalize,
  type ChildOptions,
  noUnprivileged,
  Place,
  program,
  root,
  tree,
  unprivileged,
} from '../support.js';

const BINARY = join(root, 'dist', 'bin', 'axl-finalize.js');
const lines = (text: string) => (text === '' ? [] : text.trimEnd().split('\n'));

/** Runs it by a shell, with `script` as one knows it: "$@" is node and axl-finalize. */
const shell = (script: string, options: ChildOptions = {}) =>
  program('/bin/sh', ['-c', script, 'sh', process.execPath, BINARY], options);

t.test('help, man page, README and the post-stage page have every option and every status', async (t) => {
  const { status, stdout: help, stderr } = await axlFinalize(['--help']);
  t.equal(status, 0);
  t.equal(stderr, '');
  const flat = (text: string) => text.replaceAll('\\-', '-').replaceAll('\\|', '|').replace(/\s+/g, ' ').toLowerCase();
  const page = (name: string) => flat(fs.readFileSync(join(root, name), 'utf8'));
  const [man, readme, postStage] = ['man/axl-finalize.1', 'README.md', 'docs/how-to/post-stage.md'].map(page);
  for (const { name, help: phrase } of FINALIZE_OPTIONS)
    for (const text of [flat(help), man, readme]) {
      t.match(text, name);
      t.match(text, phrase.toLowerCase());
    }
  for (const { when } of STATUSES) for (const text of [flat(help), man, readme, postStage]) t.match(text, flat(when));
});

t.test('--version is that of package.json', async (t) => {
  const { version } = JSON.parse(fs.readFileSync(join(root, 'package.json'), 'utf8'));
  t.match(await axlFinalize(['--version']), { status: 0, stdout: `${version}\n` });
});

t.test('--json prints one document, and --report writes the same to a file', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  const corrupt = await leave.corrupt(place, 'b');
  const report = place.path('report.json');
  const { status, stdout } = await axlFinalize(['--json', '--report', report, place.states]);
  t.equal(status, 5);
  t.equal(fs.readFileSync(report, 'utf8'), stdout);
  const { entries, counts, ...rest } = JSON.parse(stdout);
  const byName = (a: FinalizedEntry, b: FinalizedEntry) => (a.stateFile < b.stateFile ? -1 : 1);
  const published = { stateFile: place.path('states/a'), action: 'published', name: 'a', rank: 0, resumed: false };
  const error = { code: 'AXL_STATE_CORRUPT', path: corrupt, message: String };
  t.match(entries.sort(byName), [
    { ...published, files: 1, filesDone: 1, bytes: 8 },
    { stateFile: corrupt, action: 'corrupt', error },
  ]);
  t.match(counts, { published: 1, corrupt: 1, failed: 0 });
  t.match(rest, { inputs: [place.states], files: 1, bytes: 8, unreadable: [], status: 5, dryRun: false });
  t.same(
    fs.readdirSync(place.root).filter((name) => name.startsWith('.axl-')),
    [],
    'no temporary name is left',
  );
});

t.test('a report has the longest name that a file can have, and one that is longer ends the run', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'one');
  for (const length of [255, 256]) {
    const report = place.path('r'.repeat(length));
    const { status, stderr } = await axlFinalize(['--keep-state', '--report', report, place.states]);
    t.equal(status, length > 255 ? 1 : 0, stderr);
    t.equal(fs.readdirSync(place.root).includes('r'.repeat(length)), length <= 255);
  }
});

t.test('a report or metrics file that cannot be written is told, is status 1, and stops nothing', async (t) => {
  for (const option of ['--report', '--metrics']) {
    const place = new Place(t);
    await leave.complete(place, 'a');
    const { status, stderr } = await axlFinalize([option, place.path('none/file'), place.states]);
    t.equal(status, 1);
    t.match(stderr, /^axl-finalize: \w+ .*\/none\/file: ENOENT, /m, 'the call, the file, the cause');
    t.same(tree(place.dest), { a: 'source/a' });
  }
});

t.test(
  'a report replaces a file, but no state file, whose transfer would be lost, and nothing that is no file',
  async (t) => {
    for (const option of ['--report', '--metrics']) {
      const place = new Place(t);
      const first = await leave.complete(place, 'a');
      await axlFinalize(['--shard', '0/1', '--report', place.path('run'), place.mkdir('empty')]);
      await leave.complete(place, 'b');
      const before = tree(place.root);
      for (const more of [[], ['--shard', '0/2'], ['--dataset']])
        t.equal((await shell(`"$@" ${more.join(' ')} ${option} '${place.states}'/*`)).status, 2, `${option} ${more}`);
      t.equal((await axlFinalize(['merge', option, first, place.path('run.0-of-1')])).status, 2);
      t.same(tree(place.root), before, 'nothing was done');
      fs.symlinkSync('/dev/null', place.path('link'));
      place.mkdir('directory');
      await program('mkfifo', [place.path('fifo')]);
      const others = ['link', 'directory', 'fifo'].map((name) => place.path(name));
      for (const path of others) t.equal((await axlFinalize([option, path, first])).status, 1, path);
      t.ok(fs.lstatSync(place.path('link')).isSymbolicLink() && fs.lstatSync(place.path('fifo')).isFIFO());
      t.same(
        fs.readdirSync(place.root).filter((name) => name.startsWith('.')),
        [],
        'no temporary file is left',
      );
      place.write('old', 'an older report');
      t.equal((await axlFinalize([option, place.path('old'), place.states])).status, 0);
      t.not(fs.readFileSync(place.path('old'), 'utf8'), 'an older report');
    }
  },
);

t.test('--ndjson prints an event a line, from start to end', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  const { stdout } = await axlFinalize(['--ndjson', '--dataset', place.states]);
  const events = lines(stdout).map((line) => JSON.parse(line) as FinalizeEvent);
  t.same(
    events.map(({ event }) => event),
    ['start', 'scan', 'dataset', 'entry', 'end'],
  );
  t.match(events.at(-1), { report: { counts: { published: 1 } }, status: 0 });
});

t.test('--metrics is what Prometheus reads, whatever the names', async (t) => {
  const place = new Place(t);
  const odd = place.mkdir('a "quoted"\\ \n name');
  fs.renameSync(await leave.complete(place, 'a'), join(odd, 'a'));
  const metrics = place.path('axl.prom');
  t.equal((await axlFinalize(['--metrics', metrics, odd])).status, 0);
  const text = fs.readFileSync(metrics, 'utf8');
  const sample =
    /^axl_finalize_[a-z_]+\{[a-z]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z]+="(?:[^"\\\n]|\\["\\n])*")*\} [\d.e+-]+$/;
  const wrong = lines(text).filter(
    (line) => !/^# (HELP|TYPE) axl_finalize_[a-z_]+ .+$/.test(line) && !sample.test(line),
  );
  t.same(wrong, []);
  t.match(text, /axl_finalize_state_files\{.*action="published"\} 1\n/);
  t.match(text, /axl_finalize_exit_status\{.*\} 0\n/);
  t.equal(fs.statSync(metrics).mode & 0o444, 0o444 & ~process.umask(), 'node_exporter may read it');
});

t.test('- reads paths from stdin, each ended by a NUL, whatever bytes they have', async (t) => {
  const place = new Place(t);
  const odd = Buffer.concat([Buffer.from(`${place.states}/`), Buffer.of(0xff, 0x0a, 0xfe)]);
  fs.renameSync(await leave.complete(place, 'a'), odd);
  const newline = place.path('states', 'new\nline');
  fs.renameSync(await leave.complete(place, 'b'), newline);
  await leave.complete(place, 'c');
  place.write('list', Buffer.concat([odd, Buffer.from(`\0${newline}\0`)]));
  const { status, stdout } = await shell(`"$@" -v - <'${place.path('list')}'`);
  t.equal(status, 0);
  t.match(stdout, `published ${place.states}/\\xff\\x0a\\xfe (a, rank 0, 1 file)\n`);
  t.match(stdout, `published ${place.states}/new\\x0aline (b, rank 0, 1 file)\n`);
  t.same(fs.readdirSync(place.states), ['c']);
  t.match(await shell('"$@" - </dev/null'), { status: 0, stdout: /0 state files/ });
  t.match(await shell(`echo '${place.states}' | "$@" -`), { status: 2, stderr: /find -print0/ });
  t.match(await shell(`"$@" - <'${place.states}'`), { status: 2, stderr: /directory/ }, 'no list is not an empty list');
});

t.test('an argument that is not UTF-8 names the file of those bytes', async (t) => {
  const place = new Place(t);
  const odd = Buffer.concat([Buffer.from(`${place.root}/`), Buffer.of(0xfe)]);
  await leave.complete(place, 'a');
  fs.renameSync(place.states, odd);
  const { status, stdout } = await shell(`"$@" -v --report "$(printf '${place.root}/\\377')" '${place.root}'/?`);
  t.equal(status, 0);
  t.match(stdout, `published ${place.root}/\\xfe/a`);
  t.ok(fs.existsSync(Buffer.concat([Buffer.from(`${place.root}/`), Buffer.of(0xff)])));
});

t.test('nobody who reads ends nothing', async (t) => {
  const place = new Place(t);
  for (const name of ['a', 'b', 'c']) await leave.complete(place, name);
  t.equal((await shell(`"$@" -v '${place.states}' | :; "$@" -v '${place.states}'`)).status, 0);
  t.same(Object.keys(tree(place.dest)).sort(), ['a', 'b', 'c']);
});

t.test('on a terminal there is a progress bar, and --no-progress takes it away', async (t) => {
  if ((await program('/bin/sh', ['-c', 'command -v script'])).status !== 0) return t.plan(0, 'there is no script(1)');
  const place = new Place(t);
  const bar = /% \| \d+\/1 state files \|/;
  /** What it waits for ends when the bar says that it waits; without a bar, its time is up soon. */
  const run = async (option: string, LC_ALL = 'C.UTF-8') => {
    await using busy = await place.create();
    const command = `'${process.execPath}' '${BINARY}' ${option || '--wait'} '${place.states}'`;
    let stdout = '';
    const onStdout = (text: string) => {
      stdout += text;
      if (!option && bar.test(stdout) && stdout.includes('waiting for 1')) busy[Symbol.asyncDispose]();
    };
    return await program('script', ['-qec', command, '/dev/null'], { env: { TERM: 'xterm', LC_ALL }, onStdout });
  };
  const shown = await run('');
  t.equal(shown.status, 0);
  t.match(shown.stdout, bar);
  t.match(shown.stdout, 'waiting for 1');
  t.match(shown.stdout, /[░█]/);
  const ascii = (await run('', 'C')).stdout;
  t.match(ascii, bar);
  t.equal(Buffer.byteLength(ascii), ascii.length, 'only characters that the locale has');
  t.match(shown.stdout, /axl-finalize: 1 state file: 1 removed/);
  const without = await run('--no-progress --wait=1s');
  t.equal(without.status, 4);
  t.notMatch(without.stdout, bar);
  await using _busy = await place.create({ stateFile: place.path('states/other') });
  t.notMatch((await axlFinalize(['--wait=1s', place.states])).stderr, bar);
});

t.test('a name that is not UTF-8 is there as base64, too, in whatever is JSON', async (t) => {
  const place = new Place(t);
  const odd = Buffer.concat([Buffer.from(`${place.states}/`), Buffer.of(0xff)]);
  fs.renameSync(await leave.complete(place, 'a'), odd);
  await leave.complete(place, 'b');
  const [other, listed] = JSON.parse(
    (await axlFinalize(['list', '--json', '--sort=state', place.states])).stdout,
  ).transfers.sort((a: ListedTransfer, b: ListedTransfer) => (a.name < b.name ? 1 : -1));
  const inspected = JSON.parse((await shell(`"$@" inspect --json '${place.states}'/?`.replace('/?', `/[!b]`))).stdout);
  const [finalized] = JSON.parse((await axlFinalize(['--json', '--pattern', '[!b]', place.states])).stdout).entries;
  for (const { stateFileBase64 } of [listed, inspected, finalized]) t.same(Buffer.from(stateFileBase64, 'base64'), odd);
  t.notOk('stateFileBase64' in other);
});

t.test('each complaint names its file once', async (t) => {
  const missing = new Place(t).path('missing');
  const { stderr } = await axlFinalize(['inspect', missing]);
  t.match(stderr, /^axl-finalize: open .*\/missing: ENOENT, .*\n$/);
  t.equal(stderr.split(missing).length, 2);
});

t.test('of a state file that cannot be read list makes nothing up, not even its age', async (t) => {
  const skip = await noUnprivileged();
  if (skip) return t.plan(0, skip);
  const place = new Place(t);
  fs.chmodSync(await leave.complete(place, 'a'), 0);
  if (unprivileged.uid !== undefined) place.give(unprivileged.uid);
  const { status, stdout } = await axlFinalize(['list', place.states], unprivileged);
  t.equal(status, 1);
  t.match(stdout, /^\? +\? +unreadable +\? +\? +\? +\? +.*\/states\/a$/m);
});

t.test('a help that cannot be written is a failure', async (t) => {
  t.match(await shell('"$@" --help >/dev/full'), { status: 1, stderr: /standard output: ENOSPC/ });
  t.match(await shell('"$@" list --help >/dev/full'), { status: 1, stderr: /standard output: ENOSPC/ });
});

t.test('each command says how it may end, and no help is wider than 100 columns', async (t) => {
  for (const command of [[], ['inspect'], ['list'], ['merge']]) {
    const { stdout } = await axlFinalize([...command, '--help']);
    t.match(stdout, /^Exit status/m);
    t.same(
      lines(stdout).filter((line) => line.length > 100),
      [],
    );
  }
});

t.test('inspect prints whole, torn and corrupt state files, and says what is none', async (t) => {
  const place = new Place(t);
  const torn = await leave.complete(place, 'torn');
  cutBefore(torn, TYPE.settled);
  fs.appendFileSync(torn, 'x');
  const cases: [string, number, RegExp][] = [
    [await leave.complete(place, 'new\nline'), 0, /complete; ready to be published(.|\n)*new\\x0aline/],
    [torn, 0, /torn: a crash cut its last record short/],
    [await leave.corrupt(place, 'corrupt'), 5, /corrupt; readable up to byte \d+/],
    [place.write('other', 'something else'), 1, /^$/],
    [place.path('missing'), 1, /^$/],
  ];
  const before = tree(place.root);
  for (const [file, status, output] of cases) {
    const ended = await axlFinalize(['inspect', file]);
    t.equal(ended.status, status, file);
    t.match(ended.stdout, output);
    t.equal(ended.stderr !== '', status !== 0, 'what is wrong is on stderr');
    const { state } = JSON.parse((await axlFinalize(['inspect', '--json', file])).stdout);
    t.type(state, 'string');
  }
  t.same(tree(place.root), before);
});

t.test('list has a line for each transfer, sorted, with totals by dataset', async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'b');
  await leave.incomplete(place, 'aa');
  await leave.corrupt(place, 'c');
  place.write('states/other', 'something else');
  const { status, stdout, stderr } = await axlFinalize(['list', place.states]);
  t.equal(status, 5);
  t.match(stderr, place.path('states/c'));
  t.match(stdout, /^TRANSFER +RANK +STATE +FILES +BYTES +DONE +AGE +OWNER +WRITER +STATE FILE\n/);
  t.match(stdout, /\nb +0\/1 +complete +1\/1 +8 bytes +100% .*\/states\/b\n/);
  t.match(stdout, '\naa: 1 of 1 rank: 1 incomplete; 1 file, 9 bytes, 0% done\n');
  t.notMatch(stdout, 'other');
  const sorted = async (key: string) => {
    const { transfers } = JSON.parse((await axlFinalize(['list', '--json', '--sort', key, place.states])).stdout);
    return transfers.map(({ stateFile }: ListedTransfer) => stateFile.slice(place.states.length + 1));
  };
  t.same((await sorted('name')).slice(-2), ['aa', 'b']);
  t.same((await sorted('bytes'))[0], 'aa');
  t.same((await sorted('state'))[0], 'b');
  for (const key of ['rank', 'files', 'age']) t.equal((await sorted(key)).length, 3);
  t.match(await axlFinalize(['list', place.path('missing')]), { status: 1, stderr: /missing: ENOENT/ });
});

t.test('inputs that are named like a command are reached by a path', async (t) => {
  const place = new Place(t);
  for (const name of ['inspect', 'list', 'merge']) {
    fs.renameSync(await leave.complete(place, name), join(place.mkdir(name), 'a'));
    t.equal((await axlFinalize([`./${name}`], { cwd: place.root })).status, 0);
  }
  t.same(Object.keys(tree(place.dest)).sort(), ['inspect', 'list', 'merge']);
});

/** A title, colours, C1, the direction of writing, line separators, a line of one's own, and what takes back. */
const ACTING = '\x1b]0;title\x07\x1b[31mred\u009b31m\u202e\u2066\u061c\u2028\u2029\r\nforged line\x08\x7f';

/** A state file of one failed file, with `ACTING` in whatever is text. */
function acting(place: Place, file: string): void {
  const dest = `${place.dest}/name${ACTING}`;
  const about = { mode: 0o644, uid: 0, gid: 0, xattrs: [[`user.${ACTING}`, ACTING]] as const };
  const records = new Records(newUuid()).transfer(`forged${ACTING}`, 0, 1, ACTING);
  records.file(0, { source: `/source${ACTING}`, dest, size: 5, ...about });
  records.add(4, u32(1), u32(0), u32(0), u64(5), time);
  const words = ['call', '/path', '/second', 'detail'].map((word) => string(`${word}${ACTING}`));
  records.add(7, u32(0), u8(3), u32(5), ...words);
  fs.writeFileSync(place.path('states', file), records.bytes, { mode: 0o600 });
}

t.test('whatever a state file, a report or a name says acts on no terminal, and is one line', async (t) => {
  const place = new Place(t);
  fs.mkdirSync(place.states, { recursive: true });
  for (const name of ['plain', `named${ACTING}`]) acting(place, name);
  const [report, metrics] = ['run.json', 'run.prom'].map((name) => place.path(name)) as [string, string];
  const shard = ['--dry-run', '--shard', '0/1', '--report', report, '--metrics', metrics, place.states];
  await axlFinalize(shard);
  const part = place.path('run.0-of-1.json');
  const { counts, ...rest } = JSON.parse(fs.readFileSync(part, 'utf8'));
  const said = { message: `why${ACTING}` };
  const hostile = { ...rest, unreadable: [said], counts: { ...counts, [ACTING]: 1 } };
  fs.writeFileSync(part, JSON.stringify(hostile));
  for (const args of [
    ...['plain', `named${ACTING}`].flatMap((name) => [
      ['inspect', place.path('states', name)],
      ['inspect', '--json', place.path('states', name)],
    ]),
    ...[[], ['--json']].map((how) => ['list', ...how, place.states]),
    ...[['-v'], ['--json'], ['--ndjson']].map((how) => ['--dry-run', ...how, place.states]),
    ...[[], ['--json']].map((how) => ['merge', ...how, '--report', report, '--metrics', metrics, part]),
    ['--job-ended', '--incomplete', 'resume', '-v', place.states, place.path(`none${ACTING}`)],
    [`--${ACTING}`],
  ]) {
    const { stdout, stderr } = await axlFinalize(args);
    const written = [report, metrics].map((path) => (fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : ''));
    const all = [stdout, stderr, ...written].join('');
    t.ok(all.includes('forged line'), 'it does say it');
    t.same(all.match(/[^\P{C}\n]|[\p{Zl}\p{Zp}]|^forged line/gmu), null, encodeURI(args.join(' ')));
    if (args.includes('--json'))
      t.ok(stdout.includes(JSON.stringify('\\u001b]0;title').slice(2, -1)), 'as JSON has it');
  }
  const shown = JSON.parse((await axlFinalize(['inspect', '--json', place.path('states/plain')])).stdout);
  t.equal(shown.name, `forged${ACTING}`, 'and a reader of JSON gets it back');
  t.equal(shown.fileList[0].dest, `${place.dest}/name${ACTING}`);
});
