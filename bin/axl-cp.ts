#!/usr/bin/env node
// The command axl-cp.
import { start } from './start.js';

start('axl-cp');
