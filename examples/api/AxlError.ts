// Which error it was: the code says it.
import { AxlError, Transfer } from 'axl-transfer';

try {
  await Transfer.open('/p/job/state/ckpt.42.99');
} catch (error) {
  if (!(error instanceof AxlError) || error.code !== 'AXL_IO') throw error;
  console.error(error.message, error.errnoName, error.path);
}
