// Deletes an older checkpoint, once this one is published.
import { add, create, dispatch, free, retire, wait } from 'axl-transfer';

const id = await create({ name: 'ckpt.42', stateDir: '/p/job/state' });
await add(id, '/l/ssd/ckpt.42', '/p/lustre/run/');
await retire(id, '/p/lustre/run/ckpt.39');
await dispatch(id);
const { retired } = await wait(id);
for (const { path, state } of retired) console.log(path, state); // deleted
await free(id);
