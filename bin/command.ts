// All programs, which are in lib/cli. scripts/bundle.mjs makes one file of it, for start.ts to start.
import { main } from '../lib/cli/main.js';

/** Which of them: an argument of the function that the file is. */
declare const started: 'axl-finalize' | 'axl-verify' | 'axl-cp';

main(started, process.argv.slice(2));
