// Waits for a minute at most, then gives the transfer up.
import { CanceledError, Transfer } from 'axl-transfer';

const transfer = await Transfer.create({ name: 'ckpt.42', stateDir: '/p/job/state' });
await transfer.add('/l/ssd/ckpt.42', '/p/lustre/run/');
await transfer.dispatch();
await transfer.wait({ signal: AbortSignal.timeout(60_000) }).catch((error: unknown) => {
  if (!(error instanceof CanceledError)) throw error;
  console.error(error.report ? 'the transfer was canceled' : 'not complete after a minute; the copies go on');
});
await transfer.cancel().catch(() => {}); // published already
await transfer.free();
