// Plans several files, all or none.
import { addAll, create, free } from 'axl-transfer';

const id = await create({ name: 'ckpt.42', stateDir: '/p/job/state' });
await addAll(id, [
  ['/l/ssd/ckpt.42', '/p/lustre/run/'],
  ['/l/ssd/ckpt.42.0', '/p/lustre/run/'],
]);
await free(id);
