// Plans the files that match a pattern.
import { addGlob, create, free } from 'axl-transfer';

const id = await create({ name: 'ckpt.42', stateDir: '/p/job/state' });
await addGlob(id, 'ckpt.42*', { cwd: '/l/ssd', dest: '/p/lustre/run' });
await free(id);
