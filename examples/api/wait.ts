// Publishes, and says how much.
import { add, create, dispatch, free, wait } from 'axl-transfer';

const id = await create({ name: 'ckpt.42', stateDir: '/p/job/state' });
await add(id, '/l/ssd/ckpt.42', '/p/lustre/run/');
await dispatch(id);
const { filesPublished, bytes } = await wait(id);
console.log(`${filesPublished} files, ${bytes} bytes`);
await free(id);
