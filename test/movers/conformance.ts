// What every mover has to hold to, whatever it moves bytes with. A test file runs all of it for its mover.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { finalize, type Mover, Transfer, type TransferError } from '../../lib/index.js';
import { records, TYPE, temporaryName } from '../journals.js';
import { axlFinalize, bytes, codeOf, Place, rejection, temporaries, tree } from '../support.js';
import { STEPS } from './dying.js';
import { begun, fill, firstOf, isLeftWhileItRuns, isOver, rank, type Subject } from './subject.js';

const before = { c: 'what was there before' };

export function conformance({ make, from, contract, tokens, hold, release, spoil }: Subject): void {
  const movers = (place: Place) => (make ? [make(place)] : []);

  t.test('what it has copied is published as the source is: bytes, mode and times', async (t) => {
    const place = new Place(t);
    fill(place);
    const transfer = await begun(place, make?.(place));
    const { state, filesPublished } = await transfer.wait();
    t.same([state, filesPublished], ['completed', 4]);
    t.same(tree(place.dest), tree(place.source));
    for (const name of ['a', 'sub/b', 'c']) {
      const [is, was] = [place.path('dest', name), place.path('source', name)].map((path) => fs.statSync(path));
      t.same([is?.mode, is?.mtimeMs, is?.uid], [was?.mode, was?.mtimeMs, was?.uid], name);
    }
    await transfer.free();
    t.same(fs.readdirSync(place.states), []);
  });

  t.test('a job that ran has ended; a job that nobody submitted is unknown', async (t) => {
    const place = new Place(t);
    fill(place);
    const transfer = await begun(place, make?.(place));
    t.equal(await transfer.settle(), true);
    const asked = contract(place);
    const [token = ''] = tokens(place).slice(-1);
    t.equal(await asked.attach(token), 'ended');
    t.equal(await asked.attach('nobody'), 'unknown');
    t.equal(await asked.attach(`${token}1`), 'unknown');
    await asked.cancel(token); // of what has ended nothing happens
    await transfer.wait();
    await transfer.free();
  });

  t.test('while it copies nothing has its final name, and its transfer is busy', async (t) => {
    const place = new Place(t);
    if (hold) fill(place);
    else place.writeMuch();
    hold?.(place, 1);
    const transfer = await begun(place, make?.(place));
    t.equal(transfer.test(), false);
    const [token = ''] = tokens(place).slice(-1);
    t.equal(await contract(place).attach(token), 'running');
    const { counts } = await finalize(place.states, { movers: movers(place) });
    t.equal(counts.busy, 1, 'the lock says so, whoever moves the bytes');
    if (hold) t.equal(fs.readFileSync(place.path('dest/c'), 'latin1'), before.c);
    t.equal(await transfer.cancel(), 'canceled');
    release?.(place);
    await transfer.free();
    t.same(temporaries(place.dest), []);
  });

  t.test('a job that is canceled ends early; resume copies what it has not', async (t) => {
    const place = new Place(t);
    if (hold) fill(place);
    else place.writeMuch();
    hold?.(place, 1);
    const transfer = await begun(place, make?.(place));
    t.equal(await transfer.cancel(), 'canceled');
    const { files } = await transfer.report();
    t.ok(files.some(({ state }) => state === 'pending'));
    t.notOk(
      files.some(({ state }) => state === 'failed'),
      'what was to end early has not failed',
    );
    release?.(place);
    if (hold) await transfer.resume();
    if (hold) await transfer.wait();
    await transfer.free();
    if (hold) t.same(tree(place.dest), tree(place.source));
  });

  t.test('a signal ends its job as cancel does', async (t) => {
    const place = new Place(t);
    if (hold) fill(place);
    else place.writeMuch();
    hold?.(place, 0);
    const transfer = await begun(place, make?.(place));
    await transfer.cancel();
    const stop = new AbortController();
    await transfer.resume({ signal: stop.signal });
    stop.abort(new Error('enough'));
    t.equal(await codeOf(transfer.wait()), 'AXL_CANCELED');
    release?.(place);
    await transfer.free();
  });

  for (const step of STEPS)
    for (const incomplete of ['resume', 'delete'] as const)
      t.test(`a rank that is killed (${step}) is finalized as a whole: ${incomplete}`, async (t) => {
        const place = new Place(t);
        place.write('source/a', bytes(100_000, 1));
        place.write('source/b', bytes(5000, 2));
        place.write('dest/source/a', 'old');
        const was = tree(place.dest);
        if (step === 'half') hold?.(place, 1);
        t.equal((await rank(place, step, from)).signal, 'SIGKILL');
        if (hold && step === 'half') await isLeftWhileItRuns(t, place, movers(place), was);
        release?.(place);
        const { counts } = await finalize(place.states, {
          movers: movers(place),
          incomplete,
          wait: Number.POSITIVE_INFINITY,
        });
        t.equal(counts.published + counts['rolled-back'], 1);
        if (incomplete === 'resume') t.equal(counts.published, 1);
        const after = counts.published
          ? Object.fromEntries(Object.entries(tree(place.source)).map(([k, v]) => [`source/${k}`, v]))
          : undefined;
        t.same(tree(place.dest), after ? { 'source/': '', ...after } : was);
        t.same(fs.readdirSync(place.states), []);
      });

  if (!make || !hold || !release || !spoil) return;

  /** What a job has brought to a name is somebody else's by now, or not there. */
  const meddle: Record<string, (path: string, place: Place) => void> = {
    'another file': (path) => {
      fs.rmSync(path);
      fs.writeFileSync(path, 'another');
    },
    'no file': (path) => fs.rmSync(path),
    'a link to a file of those bytes': (path, place) => {
      fs.rmSync(path);
      fs.symlinkSync(place.path('source/a'), path);
    },
    'a second name': (path, place) => fs.linkSync(path, place.path('second')),
  };
  for (const [what, change] of Object.entries(meddle))
    t.test(`at a temporary name is ${what}: the file has failed, and nothing is published`, async (t) => {
      const place = new Place(t);
      place.write('source/a', bytes(100_000, 1));
      place.write('source/b', bytes(5000, 2));
      hold(place, 1);
      const transfer = await begun(place, make(place));
      const [name = ''] = await firstOf(place);
      change(join(place.dest, name), place);
      release(place);
      const { report } = (await rejection(transfer.wait())) as TransferError;
      t.same(report?.files.filter(({ state }) => state === 'failed').length, 1);
      t.same(
        Object.keys(tree(place.dest)).filter((path) => !path.includes('._AXL')),
        [],
      );
      await transfer.free();
      t.notOk(fs.existsSync(place.dest), 'rolled back');
      t.equal(fs.readFileSync(place.path('source/a')).length, 100_000);
    });

  t.test('other bytes than those of the source are never published', async (t) => {
    const place = new Place(t);
    fill(place);
    spoil(place);
    const transfer = await begun(place, make(place));
    const { code, report } = (await rejection(transfer.wait())) as TransferError;
    t.equal(code, 'AXL_TRANSFER_FAILED');
    const codes = report?.files.map(({ error }) => error?.code).filter((found) => found !== undefined);
    t.same(codes, ['AXL_VERIFY', 'AXL_VERIFY', 'AXL_VERIFY']);
    t.equal(fs.readFileSync(place.path('dest/c'), 'latin1'), before.c);
    await transfer.free();
    t.same(tree(place.dest), before);
  });

  t.test('a file that it could not copy has failed for the reason that it gives', async (t) => {
    const place = new Place(t);
    fill(place);
    hold(place, 0);
    const transfer = await begun(place, make(place));
    fs.writeFileSync(temporaryName(place.stateFile, place.path('dest/a')), ''); // in its way
    release(place);
    const { report } = (await rejection(transfer.wait())) as TransferError;
    const [failed] = report?.files.filter(({ state }) => state === 'failed') ?? [];
    t.match(failed?.error?.message, /EEXIST/);
    await transfer.free();
  });

  t.test('the state file names the job before a byte is written', async (t) => {
    const place = new Place(t);
    fill(place);
    const mover = make(place);
    let seen: unknown;
    const watched: Mover = {
      ...mover,
      submit: (assignment) =>
        mover.submit({
          ...assignment,
          async submitted(token) {
            await assignment.submitted(token);
            seen = [
              records(place.stateFile).filter(({ type }) => type === TYPE.submitted).length,
              temporaries(place.dest),
            ];
          },
        }),
    };
    const transfer = await begun(place, watched);
    t.same(seen, [1, []]);
    await transfer.wait();
    await transfer.free();
  });

  t.test('a mover that cannot begin fails the dispatch, and the transfer is rolled back', async (t) => {
    const place = new Place(t);
    fill(place);
    const refusing: Mover = { ...make(place), submit: () => Promise.reject(new Error('no queue')) };
    const transfer = await place.create({ mover: refusing });
    await transfer.add(place.path('source/a'), place.path('dest/a'));
    t.match(await rejection(transfer.dispatch()), { message: 'no queue' });
    t.equal(transfer.state, 'failed');
    await transfer.free();
    t.same(tree(place.dest), before);
  });

  t.test('a job whose answer is lost is asked for by its token', async (t) => {
    const place = new Place(t);
    fill(place);
    const mover = make(place);
    const lossy: Mover = {
      ...mover,
      submit: async (assignment) => {
        await mover.submit(assignment);
        throw new Error('the connection broke');
      },
    };
    const transfer = await begun(place, lossy);
    t.equal((await transfer.wait()).state, 'completed');
    await transfer.free();
    t.same(tree(place.dest), tree(place.source));
    t.equal(tokens(place).length, 1, 'it was not submitted again');
  });

  t.test('cannot tell is never taken for ended: nothing is deleted, copied again or published', async (t) => {
    const place = new Place(t);
    fill(place);
    hold(place, 1);
    const mover = make(place);
    let isThere = false;
    const away: Mover = {
      ...mover,
      attach: (token) => (isThere ? mover.attach(token) : Promise.reject(new Error('no answer'))),
    };
    const transfer = await begun(place, away);
    t.match(await rejection(transfer.wait()), {
      code: 'AXL_TRANSFER_FAILED',
      cause: { code: 'AXL_BACKEND_UNAVAILABLE' },
    });
    t.equal(await codeOf(transfer.free()), 'AXL_BACKEND_UNAVAILABLE');
    t.equal(await codeOf(transfer.resume()), 'AXL_BACKEND_UNAVAILABLE');
    t.equal((await firstOf(place)).length, 1, 'what it has brought is there');
    isThere = true;
    await transfer.resume();
    release(place);
    await transfer.wait();
    t.same(tree(place.dest), tree(place.source));
    t.equal(tokens(place).length, 1, 'the same job');
    await transfer.free();
  });

  t.test('a finalizer that cannot ask the mover leaves its transfer alone', async (t) => {
    const place = new Place(t);
    fill(place);
    hold(place, 1);
    await rank(place, 'half', from);
    release(place);
    await isOver(place, make(place), tokens(place));
    const was = [tree(place.root), fs.readFileSync(place.stateFile)];
    const away: Mover = { ...make(place), attach: async () => 'unknown' };
    const none = { ...make(place), name: 'another' };
    for (const movers of [[], [away], [none]]) {
      const { counts, problems } = await finalize(place.states, { movers, incomplete: 'delete' });
      t.equal(counts.corrupt, 1);
      t.equal(problems[0]?.error?.code, 'AXL_BACKEND_UNAVAILABLE');
      t.equal(
        await codeOf(Transfer.open(place.stateFile, movers[0] ? { mover: movers[0] } : {})),
        'AXL_BACKEND_UNAVAILABLE',
      );
    }
    const { status, stdout } = await axlFinalize(['--json', place.states]);
    t.equal(status, 5);
    t.match(stdout, /moved by/);
    t.same([tree(place.root), fs.readFileSync(place.stateFile)], was);
  });

  t.test('whoever takes over waits for the job, then keeps what it has brought whole', async (t) => {
    const place = new Place(t);
    fill(place);
    hold(place, 1);
    await rank(place, 'half', from);
    const mover = make(place);
    t.equal(await codeOf(Transfer.open(place.stateFile, { mover })), 'AXL_STATE_LOCKED');
    const [name = ''] = await firstOf(place);
    const { ino } = fs.statSync(join(place.dest, name));
    for (const token of tokens(place)) await mover.cancel(token);
    await isOver(place, mover, tokens(place));
    release(place);
    const transfer = await Transfer.open(place.stateFile, { mover });
    await transfer.resume();
    const { files } = await transfer.wait();
    t.ok(files.some(({ dest }) => fs.statSync(dest).ino === ino));
    t.same(tree(place.path('dest/source')), tree(place.source));
    await transfer.free();
  });

  t.test('a dataset is not decided about while a mover copies for one of its ranks', async (t) => {
    const place = new Place(t);
    fill(place);
    hold(place, 1);
    await rank(place, 'half', from);
    const { datasets, counts } = await finalize(place.states, {
      movers: movers(place),
      dataset: true,
      incomplete: 'delete',
    });
    t.same([datasets[0]?.verdict, counts.busy], ['busy', 1]);
    release(place);
    const wait = Number.POSITIVE_INFINITY;
    const done = await finalize(place.states, { movers: movers(place), dataset: true, incomplete: 'resume', wait });
    t.same([done.datasets[0]?.verdict, done.counts.published], ['complete', 1]);
  });
}
