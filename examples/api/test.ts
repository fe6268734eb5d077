// Computes until the copies have ended.
import { add, create, dispatch, free, test, wait } from 'axl-transfer';

const id = await create({ name: 'ckpt.42', stateDir: '/p/job/state' });
await add(id, '/l/ssd/ckpt.42', '/p/lustre/run/');
await dispatch(id);
while (!test(id)) computeNextStep();
await wait(id);
await free(id);
