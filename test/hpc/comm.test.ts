// Collective transfers under real launchers, without an MPI binding: whatever becomes of a rank, all ranks hear of it, and
// all of them publish or none does.
import t, { type Test } from 'tap';
import type { OpenCommOptions } from '../../lib/index.js';
import { Place, tree } from '../support.js';
import { LAUNCHERS, type Launcher, launch, missing, SIZE, said } from './launchers.js';
import { all, allFail, FILES, finalized, published } from './outcomes.js';

interface Way {
  readonly launcher: Launcher;
  readonly provider: 'pmi' | 'pmix' | 'directory';
}

const ways = LAUNCHERS.flatMap((launcher): Way[] => [
  { launcher, provider: launcher.provider },
  { launcher, provider: 'directory' },
]);

/** What openComm is told: nothing where the launcher says it all. */
function optionsOf({ launcher, provider }: Way, place: Place): OpenCommOptions {
  if (provider !== 'directory') return {};
  return { provider, directory: place.mkdir('shared'), ...(launcher.provider === 'pmi' && { id: 'one' }) };
}

function knowsItsPlace(t: Test, place: Place, { launcher, provider }: Way): void {
  const name = launcher.provider === 'pmix' ? 'openmpi' : 'pmi';
  for (const [rank, mine] of said(place, 'place').entries()) {
    t.match(mine, { rank, size: SIZE, localRank: rank, launcher: name, comm: { rank, size: SIZE, provider } });
    if (name === 'openmpi') t.match(mine.job, /^\d+$/);
  }
}

for (const way of ways) {
  const { launcher, provider } = way;
  const why = missing(launcher);
  const title = `${launcher.name}, ${provider}`;
  if (why) console.error(`SKIPPED ${title}: ${why}`);
  const test = (what: string, body: (t: Test) => Promise<void>) => t.test(`${title}: ${what}`, { skip: why }, body);

  test('what fails on one rank fails on all, and none publishes', async (t) => {
    const place = new Place(t);
    const ended = await launch(launcher, place, ['fail'], optionsOf(way, place));
    t.equal(ended.status, 0, ended.stderr);
    knowsItsPlace(t, place, way);
    t.same(said(place, 'well'), all('ok'));
    t.same(published(place, 'well'), FILES);
    await allFail(t, place);
    for (const what of ['second', 'closed']) t.match(said(place, what), all({ code: 'AXL_INVALID_STATE' }), what);
    t.match(said(place, 'again'), all(provider === 'directory' ? 'ok' : { code: 'AXL_INVALID_STATE' }), 'opened again');
    if (provider === 'directory') t.same(tree(place.path('shared')), {}, 'the directory is as it was');
  });

  const deaths = provider === 'directory' ? ['copy'] : ['create', 'add', 'dispatch', 'copy', 'publish', 'free'];
  for (const step of deaths)
    test(`one rank dies at ${step}, no other hangs, and axl-finalize publishes all or none`, async (t) => {
      const place = new Place(t);
      const { status, signal } = await launch(launcher, place, ['die', step], optionsOf(way, place));
      t.ok(status !== null || signal !== 'SIGKILL', 'the launch came to its end');
      t.not(status, 0);
      const outcomes = said(place, 'died').filter((one) => one !== undefined);
      if (!['publish', 'free'].includes(step))
        t.same(
          outcomes.filter(({ code }) => code !== 'AXL_RANK_LOST'),
          [],
          'who is not ended by the launcher knows that a rank is lost',
        );
      await finalized(t, place, 'death');
      const files = published(place, 'death');
      t.ok(files.length === 0 || files.length === SIZE, `published: ${files}`);
      if (['create', 'add', 'dispatch'].includes(step)) t.same(files, []);
      if (step === 'free') t.same(files, FILES);
    });

  test('ranks that are at different calls hear so', async (t) => {
    const place = new Place(t);
    await launch(launcher, place, ['stray'], optionsOf(way, place));
    const message = /rank 1 makes another call than rank 0/;
    t.match(said(place, 'stray'), all({ code: 'AXL_RANK_LOST', message }));
  });

  test('a comm that is not in use does not keep its process alive', async (t) => {
    const place = new Place(t);
    const { status, signal } = await launch(launcher, place, ['idle'], optionsOf(way, place));
    t.ok(status !== null || signal !== 'SIGKILL', 'the launch came to its end');
    t.ok(said(place, 'idle').includes(provider));
  });
}
