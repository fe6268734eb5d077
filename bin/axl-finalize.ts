#!/usr/bin/env node
// The command axl-finalize. All of it is in lib/cli.
import { main } from '../lib/cli/main.js';

await main(process.argv.slice(2));
