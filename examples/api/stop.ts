// Stops all copies before the process ends.
import { stop } from 'axl-transfer';

process.once('SIGTERM', () => stop().finally(() => process.exit(1)));
await stop();
