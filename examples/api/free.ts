// Ends a transfer that was never dispatched: nothing was copied.
import { create, free } from 'axl-transfer';

const id = await create({ name: 'ckpt.42', stateDir: '/p/job/state' });
await free(id);
