// A mover whose jobs outlive the process that submitted them holds to the contract.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { childProcess, jobsIn } from './child-process.js';
import { conformance } from './conformance.js';
import { jobsOf } from './subject.js';

conformance({
  make: (place) => childProcess(jobsOf(place)),
  from: { module: 'child-process', call: 'childProcess' },
  contract: (place) => childProcess(jobsOf(place)),
  tokens: (place) => jobsIn(jobsOf(place)),
  hold: (place, files) => {
    fs.mkdirSync(jobsOf(place), { recursive: true });
    fs.writeFileSync(join(jobsOf(place), 'hold'), `${files}`);
  },
  release: (place) => fs.rmSync(join(jobsOf(place), 'hold'), { force: true }),
  spoil: (place) => {
    fs.mkdirSync(jobsOf(place), { recursive: true });
    fs.writeFileSync(join(jobsOf(place), 'spoil'), '');
  },
});
