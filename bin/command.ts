// All of axl-finalize, which is in lib/cli. scripts/bundle.mjs makes one file of it, for axl-finalize.ts to start.
import { main } from '../lib/cli/main.js';

main(process.argv.slice(2));
