#!/usr/bin/env node
// The command axl-finalize.
import { start } from './start.js';

start('axl-finalize');
