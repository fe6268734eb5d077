// The library's own threads hold to the contract of a mover, and every transfer without one goes through them.
import t from 'tap';
import { threads } from '../../lib/movers/threads.js';
import { records, TYPE } from '../journals.js';
import { Place, rejection } from '../support.js';
import { conformance } from './conformance.js';

const tokens: string[] = [];
const { submit } = threads;
Object.assign(threads, {
  async submit(...args: Parameters<typeof submit>) {
    const token = await submit(...args);
    tokens.push(token);
    return token;
  },
});

conformance({ contract: () => threads, tokens: () => tokens });

t.test('threads write no SUBMITTED: they end with the lock of the state file', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  const transfer = await place.create();
  await transfer.add(place.source, place.dest);
  await transfer.dispatch();
  await transfer.settle();
  t.notOk(records(place.stateFile).some(({ type }) => type === TYPE.submitted));
  await transfer.wait();
  await transfer.free();
});

t.test('no other mover has the name of the threads, nor a part of the calls only', async (t) => {
  const place = new Place(t);
  t.ok((await rejection(place.create({ mover: threads }))) instanceof RangeError);
  const partial = { name: 'partial', capabilities: {}, submit: async () => '' };
  t.ok((await rejection(place.create({ mover: partial as never }))) instanceof TypeError);
});
