// Plans a pointer: once all ranks' files are at their final names, latest leads to them.
import { create, free, point } from 'axl-transfer';

const id = await create({ name: 'ckpt.42', stateDir: '/p/job/state' });
await point(id, '/p/lustre/run/latest', 'ckpt.42');
await free(id);
