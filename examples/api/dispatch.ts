// Starts the copies, which have ten minutes.
import { add, create, dispatch, free, wait } from 'axl-transfer';

const id = await create({ name: 'ckpt.42', stateDir: '/p/job/state' });
await add(id, '/l/ssd/ckpt.42', '/p/lustre/run/');
await dispatch(id, { signal: AbortSignal.timeout(600_000) });
await wait(id);
await free(id);
