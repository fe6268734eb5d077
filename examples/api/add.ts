// Plans a file.
import { add, create, free } from 'axl-transfer';

const id = await create({ name: 'ckpt.42', stateDir: '/p/job/state' });
const { files, bytes } = await add(id, '/l/ssd/ckpt.42', '/p/lustre/run/');
console.log(`${files} files, ${bytes} bytes`);
await free(id);
