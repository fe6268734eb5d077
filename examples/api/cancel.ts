// Stops the copies.
import { add, cancel, create, dispatch, free, wait } from 'axl-transfer';

const id = await create({ name: 'ckpt.42', stateDir: '/p/job/state' });
await add(id, '/l/ssd/ckpt.42', '/p/lustre/run/');
await dispatch(id);
if ((await cancel(id)) === 'dispatched') await wait(id); // the copies were faster
await free(id);
