// Which files of a transfer failed, and why.
import { Transfer, TransferError } from 'axl-transfer';

const transfer = await Transfer.create({ name: 'ckpt.42', stateDir: '/p/job/state' });
await transfer.add('/l/ssd/ckpt.42', '/p/lustre/run/');
await transfer.dispatch();
try {
  await transfer.wait();
} catch (error) {
  if (!(error instanceof TransferError)) throw error;
  for (const file of error.report.files) if (file.error) console.error(file.source, file.error.message);
}
await transfer.free();
