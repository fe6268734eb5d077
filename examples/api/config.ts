// Sets the number of copying threads.
import { config } from 'axl-transfer';

const { chunkSize } = config({ threads: 4, durability: 'full' });
console.log(`chunks of ${chunkSize} bytes`);
