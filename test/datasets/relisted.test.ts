// What is listed again, after a wait for a live rank.
import * as fs from 'node:fs';
import t from 'tap';
import { finalize } from '../../lib/index.js';
import { quiet } from '../journals.js';
import { Place, temporaries } from '../support.js';

t.test('what cannot be read when it is listed again is not taken for absent', async (t) => {
  const place = new Place(t);
  const dirs = [place.mkdir('home', 0o700), place.mkdir('away', 0o700)];
  place.mkdir('dest');
  const ranks = await Promise.all(
    dirs.map(async (dir, rank) => {
      const stateFile = `${dir}/rank${rank}`;
      const transfer = await place.create({ name: 'ckpt', stateFile, rank, size: 2, home: dirs[0] as string });
      await transfer.add(place.write(`source/${rank}`), place.dest);
      await transfer.dispatch();
      await quiet(transfer);
      return transfer;
    }),
  );
  await ranks[1]?.[Symbol.asyncDispose]();
  let ended: Promise<void> | undefined;
  const { counts, unreadable } = await finalize(dirs, {
    ...{ dataset: true, wait: 60_000 },
    onEvent: ({ event }) => {
      if (event !== 'wait' || ended) return;
      fs.renameSync(dirs[1] as string, place.path('gone'));
      ended = ranks[0]?.[Symbol.asyncDispose]();
    },
  });
  await ended;
  t.equal(counts['rolled-back'], 0);
  t.match(unreadable, [{ code: 'AXL_IO', errnoName: 'ENOENT', path: dirs[1] }]);
  t.equal(temporaries(place.dest).length, 2, JSON.stringify({ counts, unreadable }));
  fs.renameSync(place.path('gone'), dirs[1] as string);
  t.match((await finalize(dirs, { dataset: true })).counts, { published: 2 });
});
