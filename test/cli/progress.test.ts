// How far a run is: by bytes, on terminals of any width, in lines elsewhere, and nothing of it stays behind.
import { join } from 'node:path';
import t from 'tap';
import { barLine, canRedraw } from '../../lib/cli/output/bar.js';
import { fraction, type Meter, rates, sentence } from '../../lib/cli/output/meter.js';
import { type FinalizeEvent, finalize } from '../../lib/index.js';
import { leave } from '../journals.js';
import { axlFinalize, bytes, NOBODY, noOwnerProcess, Place, program, root } from '../support.js';

const BINARY = join(root, 'dist', 'bin', 'axl-finalize.js');
const TERMINAL = join(root, 'test', 'cli', 'terminal.py');
const skip = (await program('python3', ['-c', 'import pty']).catch(() => ({ status: 1 }))).status !== 0 && 'no python3';

const NOTHING: Meter = {
  what: 'state files',
  done: 0,
  total: 1,
  bytes: 0,
  work: { done: 0, total: 0, elapsed: 0 },
  elapsed: 0,
};
const METERS: readonly Meter[] = [
  NOTHING,
  { ...NOTHING, total: 0 },
  { ...NOTHING, done: 75_263, total: 75_264, work: { done: 2 ** 49, total: 2 ** 50, elapsed: 9e8 }, elapsed: 1e9 },
  { ...NOTHING, work: { done: 400 << 20, total: 1 << 30, elapsed: 4000 }, elapsed: 4000 },
  { ...NOTHING, what: 'files', work: { done: 1 << 30, total: 2 ** 31, elapsed: 1000 }, elapsed: 1000 },
  { ...NOTHING, total: 1_000_000, waiting: 1_000_000, elapsed: 1e9 },
];

t.test('the bar is never wider than the terminal, and says most on a wide one', async (t) => {
  for (const meter of METERS)
    for (let columns = 1; columns <= 200; columns++)
      for (const blocks of [true, false]) {
        const line = barLine(meter, columns, blocks);
        if (line.length >= columns) t.fail(`${columns}: ${line}`);
      }
  const resume = METERS[3] as Meter;
  t.match(barLine(resume, 80, false), /^#+\.+ {2}39% \| 0\/1 .*400\.0 MiB of 1\.0 GiB, 100\.0 MiB\/s, \d+\.\ds left$/);
  t.match(barLine(resume, 40, false), /^ {1,2}39% 0\/1 400\.0 MiB\/1\.0 GiB, \d+\.\ds left$/);
});

t.test('one large file moves, and the time that is left is that of its bytes', async (t) => {
  const resume = METERS[3] as Meter;
  t.ok(fraction(resume) > 0.39 && fraction(resume) < 0.4);
  t.equal(rates(resume).left, '6.2s');
  t.match(sentence(resume), '400.0 MiB of 1.0 GiB copied or verified, 100.0 MiB/s; about 6.2s left');
  t.equal(fraction({ ...NOTHING, done: 1, total: 1 }), 1);
});

t.test('a verification is as far as its bytes are, not its files', async (t) => {
  const verification = METERS[4] as Meter;
  t.equal(fraction(verification), 0.5);
  t.equal(sentence(verification), '0 of 1 files, 1.0 GiB of 2.0 GiB verified, 1.0 GiB/s; about 1.0s left');
});

t.test('a dumb terminal, or one that nobody named, is not redrawn', async (t) => {
  t.same([{ TERM: 'dumb' }, { TERM: '' }, {}, { TERM: 'xterm' }].map(canRedraw), [false, false, false, true]);
});

const isProgress = (event: FinalizeEvent) => event.event === 'progress';
type Progress = Extract<FinalizeEvent, { event: 'progress' }>;

t.test('a resume and a verification tell of their bytes, to the end', async (t) => {
  const place = new Place(t);
  const run = async (options: Parameters<typeof finalize>[1]) => {
    const events: Progress[] = [];
    await finalize(place.states, { ...options, onEvent: (e) => isProgress(e) && events.push(e as Progress) });
    t.ok(events.every(({ bytesDone, bytesTotal }) => bytesDone <= bytesTotal));
    return events.at(-1);
  };
  await leave.incomplete(place, 'resumed');
  t.match(await run({ incomplete: 'resume' }), { bytesDone: 14, bytesTotal: 14 });
  await leave.complete(place, 'verified');
  t.match(await run({ verify: 'checksum', dryRun: true }), { bytesDone: 15, bytesTotal: 15 });
  t.equal(await run({ dryRun: true }), undefined, 'nothing is read');
  const { stdout } = await axlFinalize(['--ndjson', '--verify', 'checksum', place.states]);
  t.match(stdout, '{"event":"progress","bytesDone":15,"bytesTotal":15}\n');
});

t.test('the bytes of a process for another user are told of, too', { skip: await noOwnerProcess() }, async (t) => {
  const place = new Place(t);
  await leave.complete(place, 'a');
  place.give(NOBODY);
  const { stdout } = await axlFinalize(['--ndjson', '--verify', 'checksum', place.states]);
  t.match(stdout, '{"event":"progress","bytesDone":8,"bytesTotal":8}\n');
});

/** What axl-finalize writes to a terminal while it waits for a live transfer, and how it ends after `signals`. */
async function waiting(place: Place, columns: number, signals: string, env: Record<string, string>) {
  await using _busy = await place.create();
  const command = [process.execPath, BINARY, '--wait=2s', place.states];
  return await program('python3', [TERMINAL, `${columns}`, 'waiting for 1', signals, ...command], { env });
}

for (const columns of [40, 80])
  t.test(
    `on a terminal of ${columns} columns no line is broken, and none stays behind the prompt`,
    { skip },
    async (t) => {
      const place = new Place(t);
      const { status, stdout } = await waiting(place, columns, '', { TERM: 'xterm', LC_ALL: 'C.UTF-8' });
      t.equal(status, 4);
      const [drawn = '', rest] = [stdout.slice(0, stdout.lastIndexOf('\x1b[K')), stdout.split('\x1b[K').at(-1)];
      const bars = drawn.split('\r').filter((line) => line.includes('%'));
      t.ok(bars.length > 2);
      for (const bar of bars) t.ok(bar.replace('\x1b[K', '').length < columns, bar);
      t.match(bars.at(-1), 'waiting for 1');
      t.match(rest, /^axl-finalize: .*\r\naxl-finalize: 1 state file: 1 busy/, 'what comes after it begins its line');
      t.notMatch(rest, /%/);
    },
  );

t.test('a second Ctrl-C ends it by the signal, and takes the bar away', { skip }, async (t) => {
  const place = new Place(t);
  const { signal, stdout } = await waiting(place, 80, 'TERM,INT', { TERM: 'xterm' });
  t.ok(signal === 'SIGINT' || signal === 'SIGTERM', `${signal}`);
  const written = stdout.replaceAll('\x1b[K', '<clear>').replaceAll('\r', '<begin>');
  t.match(written, /once more stops at once<begin>\n(<begin>[^<]*%[^<]*<clear>)?<begin><clear>$/, 'an empty line');
});

t.test('a dumb terminal gets no escapes', { skip }, async (t) => {
  const place = new Place(t);
  const { status, stdout } = await waiting(place, 80, '', { TERM: 'dumb' });
  t.equal(status, 4);
  t.notOk(stdout.includes('\x1b'));
  t.match(stdout, '1 busy');
});

t.test('without a terminal a long run writes a line every ten seconds', async (t) => {
  const place = new Place(t);
  await using _busy = await place.create();
  const { stderr } = await axlFinalize(['--wait=11s', place.states]);
  t.match(stderr, /axl-finalize: 0 of 1 state files, .*; waiting for 1 with a live writer\n/);
  t.ok(!stderr.includes('\x1b'));
});

t.test('while a large file is resumed, its bytes are told every second', async (t) => {
  const place = new Place(t);
  const size = 64 << 20;
  await using transfer = await place.create();
  for (let i = 0; i < 16; i++) await transfer.add(place.write(`source/${i}`, bytes(size)), place.path(`dest/${i}`));
  await transfer.dispatch();
  await transfer.cancel();
  await transfer[Symbol.asyncDispose]();
  const events: Progress[] = [];
  const onEvent = (event: FinalizeEvent) => isProgress(event) && events.push(event as Progress);
  await finalize(place.states, { incomplete: 'resume', verify: 'checksum', onEvent });
  const done = events.map(({ bytesDone }) => bytesDone);
  t.same(
    done,
    [...done].sort((a, b) => a - b),
    'never less',
  );
  t.match(events.at(-1), { bytesTotal: Number });
  t.ok((events.at(-1)?.bytesDone ?? 0) >= 16 * size, 'which are at least those of the verification');
});
