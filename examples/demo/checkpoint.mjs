// Makes the input: a checkpoint of a job on its burst buffer, and what an earlier checkpoint left at the destination.
// One root file, an OpenFOAM-like case, and for each rank a data file and a directory of files that copy programs get
// wrong. Nothing here is copied or checked.
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { makeOddFiles, setOddTimes } from './odd.mjs';
import { bytes, walk } from './tree.mjs';

const MiB = 1 << 20;
const noise = randomBytes(MiB);

/** Writes `size` bytes of which no two blocks are alike, so that a chunk at the wrong place shows. */
export function writeFile(path, size, mode = 0o644) {
  const fd = fs.openSync(bytes(path), 'wx', 0o600);
  const block = Buffer.from(noise);
  for (let at = 0; at < size; at += MiB) {
    block.write(`${path.slice(-40)} ${at} `, 'latin1');
    fs.writeSync(fd, block, 0, Math.min(MiB, size - at), at);
  }
  fs.fchmodSync(fd, mode);
  fs.closeSync(fd);
}

/** As a reconstructed OpenFOAM case looks: times, mesh, settings, and what was written for ParaView. */
function makeCase(root) {
  const file = (path, size) => {
    fs.mkdirSync(bytes(`${root}/${path}`.replace(/\/[^/]*$/, '')), { recursive: true });
    writeFile(`${root}/${path}`, size);
  };
  ['0', '0.1', '0.2', '0.3', '0.4', '0.5'].forEach((time, step) => {
    file(`${time}/p`, 120_000 + step);
    file(`${time}/phi`, 250_000 + step);
    file(`${time}/U`, 370_000 + step);
    file(`${time}/uniform/time`, 870 + step);
    file(`VTK/case_${step}.vtk`, 200_000 + step);
    for (const patch of ['inlet', 'outlet', 'walls']) file(`VTK/${patch}/${patch}_${step}.vtk`, 4000 + step);
  });
  for (const part of ['boundary', 'faces', 'neighbour', 'owner', 'points'])
    file(`constant/polyMesh/${part}`, part === 'boundary' ? 1200 : 300_000);
  file('constant/transportProperties', 900);
  for (const part of ['controlDict', 'decomposeParDict', 'fvSchemes', 'fvSolution']) file(`system/${part}`, 1500);
  fs.symlinkSync('0.5', bytes(`${root}/latestTime`));
}

/** Owners that differ from file to file: any for root, and our own groups for everybody else. */
function ownerOf(i) {
  if (process.geteuid() === 0) return [1000 + (i % 7), 2000 + (i % 5)];
  const groups = process.getgroups();
  return [process.geteuid(), groups[i % groups.length]];
}

/** chown clears setuid, so the mode is given again. A user namespace refuses owners it does not map: then ours stays. */
function giveOwner(path, i) {
  const { mode } = fs.lstatSync(bytes(path));
  try {
    fs.lchownSync(bytes(path), ...ownerOf(i));
  } catch (error) {
    if (error.code !== 'EPERM' && error.code !== 'EINVAL') throw error;
  }
  if ((mode & fs.constants.S_IFMT) !== fs.constants.S_IFLNK) fs.chmodSync(bytes(path), mode & 0o7777);
}

/** Owners and times, children before parents. Every second entry keeps the time of its making, which has nanoseconds. */
function age(root) {
  const paths = [...walk(root)].reverse();
  paths.forEach((path, i) => {
    giveOwner(`${root}/${path}`, i);
    const time = 1_600_000_000 + i * 61.987654;
    if (i % 2 === 0) fs.lutimesSync(bytes(`${root}/${path}`), time, time);
  });
  setOddTimes(root, paths);
}

/**
 * What is at the destination beforehand: an older checkpoint, and its files for some of the ranks.
 * @returns {string[]} features that the destination's file system does not have
 */
export function makeOldFiles(root, ranks) {
  fs.mkdirSync(bytes(root));
  fs.mkdirSync(bytes(`${root}/ckpt.41`));
  writeFile(`${root}/ckpt.41/rank.0.data`, 70_000, 0o400);
  const missing = makeOddFiles(`${root}/ckpt.41/odd.0`, []);
  writeFile(`${root}/ckpt.42.root`, 4097, 0o600);
  for (const rank of ranks) {
    writeFile(`${root}/rank.${rank}.data`, 100_000 + rank, 0o600);
    fs.mkdirSync(bytes(`${root}/odd.${rank}`));
    for (const name of ['mode.4751', 'new\nline', 'caf\xe9', 'not-in-the-new-one'])
      writeFile(`${root}/odd.${rank}/${name}`, 2000 + rank, 0o604);
    fs.symlinkSync('elsewhere', bytes(`${root}/odd.${rank}/link`));
    fs.chmodSync(bytes(`${root}/odd.${rank}`), 0o711);
  }
  age(root);
  return missing;
}

/**
 * @param {{rank: number, dataBytes: number}[]} ranks
 * @param {string[]} without features that the destination does not have
 * @returns {string[]} features that one side or the other does not have
 */
export function makeCheckpoint(root, ranks, without) {
  const missing = new Set(without);
  fs.mkdirSync(bytes(root));
  writeFile(`${root}/ckpt.42.root`, 65_537);
  makeCase(`${root}/case`);
  for (const { rank, dataBytes } of ranks) {
    writeFile(`${root}/rank.${rank}.data`, dataBytes, 0o640);
    for (const feature of makeOddFiles(`${root}/odd.${rank}`, without)) missing.add(feature);
  }
  age(root);
  return [...missing];
}
