#!/usr/bin/env node
// The command axl-verify.
import { start } from './start.js';

start('axl-verify');
