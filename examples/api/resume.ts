// Goes on after a cancel.
import { add, cancel, create, dispatch, free, resume, wait } from 'axl-transfer';

const id = await create({ name: 'ckpt.42', stateDir: '/p/job/state' });
await add(id, '/l/ssd/ckpt.42', '/p/lustre/run/');
await dispatch(id);
await cancel(id);
await resume(id);
await wait(id);
await free(id);
