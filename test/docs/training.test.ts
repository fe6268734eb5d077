// The example of a training job: its reader sees whole checkpoints only, though a rank is killed on the way.
import { join } from 'node:path';
import t from 'tap';
import { Place, program, root } from '../support.js';

t.test('examples/training publishes .metadata after all shards, and latest last, whoever is killed', async (t) => {
  const place = new Place(t);
  const ended = await program(process.execPath, [join(root, 'examples/training/run.mjs'), place.root]);
  const { status, stdout, stderr } = ended;
  t.equal(status, 0, stderr);
  t.notMatch(stdout, /NOT OK/);
  for (const kind of ['new', 'in-place']) t.match(stdout, `ok     ${kind}: a reader who looked all the time`);
});
