// Calls on transfers by their ids. Which call fits which state is the transfer's own rule: states.test.ts.
import t from 'tap';
import type { AxlError } from '../../lib/index.js';
import * as axl from '../../lib/index.js';
import { Place } from '../support.js';

const INVALID = 'AXL_INVALID_STATE';

/** Of a transfer by its id. */
const functions: Record<string, (id: number) => unknown> = {
  add: (id) => axl.add(id, '/etc/hostname', '/nonexistent/x'),
  addAll: (id) => axl.addAll(id, [['/etc/hostname', '/nonexistent/x']]),
  addGlob: (id) => axl.addGlob(id, 'nothing*', { dest: '/nonexistent/x' }),
  point: (id) => axl.point(id, '/nonexistent/latest', 'x'),
  dispatch: (id) => axl.dispatch(id),
  test: (id) => axl.test(id),
  wait: (id) => axl.wait(id),
  cancel: (id) => axl.cancel(id),
  resume: (id) => axl.resume(id),
  free: (id) => axl.free(id),
};

t.test('an id that was freed, or never given, is refused by each function', async (t) => {
  const place = new Place(t);
  const id = await axl.create({ name: 'ckpt.1', stateFile: place.stateFile, rank: 0, size: 1 });
  await axl.free(id);
  for (const [name, call] of Object.entries(functions))
    for (const each of [id, id + 1000, -1, 0.5]) {
      const failure = await (async () => call(each))().catch((error: AxlError) => error);
      t.match(failure, { code: INVALID, message: `${name}: there is no transfer with the id ${each}` }, name);
    }
});
