#!/usr/bin/env node
// The command line of axl-finalize. Whose rights it has is settled before anything else is loaded.
import { obeyAsUser } from '../lib/cli/as-user.js';

const args = obeyAsUser(process.argv.slice(2));
const { main } = await import('../lib/cli/main.js');
await main(args);
