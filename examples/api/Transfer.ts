// One checkpoint of one rank, copied while the next step computes.
import { Transfer } from 'axl-transfer';

await using transfer = await Transfer.create({ name: 'ckpt.42', stateFile: '/p/job/state/rank.7' });
await transfer.add('/l/ssd/ckpt.42', '/p/lustre/run/');
await transfer.dispatch();
computeNextStep();
await transfer.wait();
await transfer.free();
