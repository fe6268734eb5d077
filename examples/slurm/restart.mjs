// Finds the checkpoint to go on from: the newest that every rank has a part of. Prints its name, or ends with status 1.
// Arguments: the run's directory, how many ranks wrote.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const [run, ranks] = [process.argv[2], Number(process.argv[3])];
const step = (name) => Number(name.slice('ckpt.'.length));
const isWhole = (name) => Array.from({ length: ranks }, (_, rank) => join(run, name, `rank${rank}`)).every(existsSync);

const names = readdirSync(run).filter((name) => /^ckpt\.\d+$/.test(name));
const newest = names.sort((a, b) => step(b) - step(a)).find(isWhole);
console.log(newest ?? 'there is no whole checkpoint');
process.exitCode = newest ? 0 : 1;
