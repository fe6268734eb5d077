// Disks of files: two images, each a loop device, a file system on each. Needs root, /dev/fuse and loop devices.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const EXT = 'nodiscard,lazy_itable_init=0,lazy_journal_init=0';
/** How each is made and mounted, and its size: as small as may be. */
export const FILE_SYSTEMS = {
  ext4: { mib: 24, make: ['mkfs.ext4', '-q', '-E', EXT, '-J', 'size=4'], type: 'ext4', options: 'data=ordered' },
  'ext4-writeback': {
    mib: 24,
    make: ['mkfs.ext4', '-q', '-E', EXT, '-J', 'size=4'],
    type: 'ext4',
    options: 'data=writeback',
  },
  // Another mount namespace may still have a copy of the last one mounted, and all have one UUID.
  xfs: { mib: 300, make: ['mkfs.xfs', '-q', '-K', '-f'], type: 'xfs', options: 'nouuid' },
  btrfs: { mib: 128, make: ['mkfs.btrfs', '-q', '-K', '-f', '-m', 'single'], type: 'btrfs', options: 'defaults' },
  ext2: {
    mib: 24,
    make: ['mkfs.ext2', '-q', '-E', 'nodiscard'],
    type: 'ext2',
    options: 'defaults',
    check: ['e2fsck', '-fy'],
  },
};

const PATIENCE_MS = 120_000;

/** @returns what it printed @throws {Error} if it failed and was not told to `allow` it */
export function run(command, args, { allow = false, ...options } = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (status !== 0 && !allow) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout?.trim() ?? '';
}

/** Two disks below a directory: `data` and `state` are where their file systems are mounted. */
export class Disks {
  constructor(root, name) {
    this.root = root;
    this.system = FILE_SYSTEMS[name];
    this.mounts = [join(root, 'data'), join(root, 'state')];
    this.log = join(root, 'log');
    this.fuse = join(root, 'fuse');
    for (const dir of [...this.mounts, this.fuse]) mkdirSync(dir);
  }

  #image(kind, disk) {
    return join(this.root, `${kind}${disk}.img`);
  }

  #mount(devices, options = this.system.options) {
    for (const [disk, device] of devices.entries())
      run('mount', ['-t', this.system.type, '-o', options, device, this.mounts[disk]]);
  }

  unmount(how) {
    for (const mount of this.mounts) run('umount', [mount], how);
  }

  /** Lets go of everything, whatever went wrong before. */
  abandon() {
    for (const mount of this.mounts) run('umount', ['-l', mount], { allow: true });
    for (const loop of this.loops ?? []) run('losetup', ['-d', loop], { allow: true });
    run('fusermount3', ['-u', '-z', this.fuse], { allow: true });
  }

  /** Makes the file systems, on disks that write down what happens to them. */
  record(recorder) {
    const images = this.mounts.map((_, disk) => this.#image('recorded', disk));
    for (const image of images) {
      writeFileSync(image, '');
      truncateSync(image, this.system.mib << 20);
    }
    run(recorder, [this.log, this.fuse, ...images]);
    this.loops = images.map((_, disk) => run('losetup', ['-f', '--show', join(this.fuse, `disk${disk}`)]));
    for (const loop of this.loops) run(this.system.make[0], [...this.system.make.slice(1), loop]);
    this.#mount(this.loops);
  }

  stopRecording() {
    this.unmount();
    for (const loop of this.loops) run('losetup', ['-d', loop]);
    // A mount namespace that another program has made meanwhile has a copy of it, and keeps it until that ends.
    const until = Date.now() + PATIENCE_MS;
    while (spawnSync('fusermount3', ['-u', this.fuse]).status !== 0) {
      if (Date.now() > until) throw new Error(`fusermount3 -u ${this.fuse}: it is in use`);
      spawnSync('sleep', ['0.2']);
    }
  }

  /** The images as they were before entry `start` of the log. */
  base(log, start) {
    for (const disk of this.mounts.keys()) {
      const image = this.#image('base', disk);
      writeFileSync(image, '');
      truncateSync(image, this.system.mib << 20);
    }
    this.#write(
      'base',
      log.slice(0, start).filter(({ op }) => op === 'write'),
    );
  }

  #write(kind, writes) {
    for (const disk of this.mounts.keys()) {
      const fd = openSync(this.#image(kind, disk), 'r+');
      for (const write of writes)
        if (write.disk === disk) writeSync(fd, write.data, 0, write.data.length, write.offset);
      closeSync(fd);
    }
  }

  /** Makes the disks what a crash left, and mounts them where they were: the file systems recover. */
  mountCrashed(writes) {
    // A new file each time: mount takes the loop device that still has this one, if anybody holds it open since the last
    // umount, and that shows what it has in memory of the state before.
    for (const disk of this.mounts.keys())
      run('cp', ['--sparse=always', '--remove-destination', this.#image('base', disk), this.#image('crashed', disk)]);
    this.#write('crashed', writes);
    const images = [...this.mounts.keys()].map((disk) => this.#image('crashed', disk));
    const { check } = this.system;
    if (check) for (const image of images) run(check[0], [...check.slice(1), image], { allow: true });
    this.#mount(images, `loop,${this.system.options}`);
  }
}
