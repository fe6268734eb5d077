// What mallory prepares: state files that claim all there is to claim about all there is to hit, and things that are no
// state files under names where some are looked for. Hard links to what is not his are made for him: some systems
// allow them.
import * as fs from 'node:fs';
import * as net from 'node:net';
import { basename, dirname, join } from 'node:path';
import { crc32c } from '../journals.js';
import { encodeVerdict } from '../verdicts.js';
import {
  type Claims,
  type Forged,
  type ForgedFile,
  forge,
  header,
  newUuid,
  Records,
  temporaryOf,
  u32,
} from './forge.js';
import { as, BOB, MALLORY, type World } from './world.js';

const SIZE = 4096;
const CONTENT = 'm'.repeat(SIZE);
const CRC = crc32c(Buffer.from(CONTENT));

const CLAIMS: readonly Claims[] = [
  { mode: 0o4755, uid: 0, gid: 0 },
  { mode: 0o666, uid: MALLORY, gid: MALLORY },
  { mode: 0o2777, uid: BOB, gid: 0, xattrs: [['user.a', 'b']] },
  { mode: 0o6777, uid: MALLORY, gid: 0 },
];

const UNTIL: readonly Forged['until'][] = [
  ...(['created', 'sealed', 'failed', 'canceled', 'done'] as const),
  ...(['settled', 'kept', 'published', 'given-up'] as const),
];

const STANDS = ['right', 'none', 'hard link', 'symlink', 'fifo', 'directory', 'victim is it'] as const;
type Stand = (typeof STANDS)[number];

/** Where destinations are, each in a directory of its own; `victim` is what stands there before. */
interface Target {
  readonly dest: string;
  readonly victim?: string;
}

export class Traps {
  readonly #world: World;
  #count = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** How many names there are in the state directory. */
  get count(): number {
    return this.#count;
  }

  /** The number of a trap is in every name of it, so that a difference tells which one it was. */
  #next(): string {
    return `${this.#count++}`.padStart(4, '0');
  }

  #leave(name: string, bytes: Buffer): string {
    const path = join(this.#world.states, name);
    as(MALLORY, () => fs.writeFileSync(path, bytes));
    return path;
  }

  #targets(id: string): Target[] {
    const { etc, bob, home, sticky } = this.#world;
    const inEtc = fs.mkdtempSync(join(etc, `${id}-`));
    fs.chmodSync(inEtc, 0o755);
    const victim = this.#world.victim(join(inEtc, 'victim'));
    const of = (dest: string, uid: number) => ({ dest, victim: this.#world.victim(dest, uid, 0o600) });
    const dir = join(home, `d${id}`);
    const link = join(home, `l${id}`);
    as(MALLORY, () => {
      fs.mkdirSync(dir);
      fs.symlinkSync(inEtc, link);
      fs.symlinkSync(victim, join(dir, 'link'));
    });
    return [
      { dest: victim, victim },
      { dest: join(inEtc, 'new') },
      { dest: join(link, 'victim'), victim },
      { dest: join(link, 'new') },
      { dest: join(dir, 'link'), victim },
      { dest: join(dir, 'own') },
      of(join(dir, 'roots'), 0),
      of(join(bob, `bobs${id}`), BOB),
      of(join(sticky, `roots${id}`), 0),
      { dest: join(`/proc/self/root${inEtc}`, 'victim'), victim },
      { dest: join('/proc/1/cwd', inEtc, 'victim'), victim },
      { dest: inEtc, victim },
      ...[
        `${dir}/../${basename(inEtc)}/victim`,
        `${dirname(inEtc)}//x`,
        'relative',
        `${inEtc}/\0x`,
        `${inEtc}/.`,
        '',
      ].map((dest) => ({ dest })),
      { dest: join(dir, 'n'.repeat(255)) },
      { dest: join(dir, 'n'.repeat(256)) },
      { dest: `${dir}${'/long'.repeat(818)}` },
    ];
  }

  /** Puts at the temporary name what would be published, or something else. */
  #stand(kind: Stand, temporary: string, victim: string | undefined): bigint {
    const { home } = this.#world;
    const attempt = (body: () => void) => {
      try {
        body();
      } catch {} // not his to write to
    };
    if (kind === 'hard link' && victim && temporary.startsWith(home)) attempt(() => fs.linkSync(victim, temporary));
    else
      as(MALLORY, () =>
        attempt(() => {
          if (kind === 'right') fs.writeFileSync(temporary, CONTENT, { flag: 'wx' });
          if (kind === 'symlink') fs.symlinkSync(victim ?? '/nowhere', temporary);
          if (kind === 'directory') fs.mkdirSync(temporary);
        }),
      );
    if (kind === 'fifo') this.#world.fifo(temporary);
    try {
      return fs.lstatSync(kind === 'victim is it' && victim ? victim : temporary, { bigint: true }).ino;
    } catch {
      return 7n; // it is not there, or nobody may look
    }
  }

  #file(uuid: Buffer, target: Target, stand: Stand, claims: Claims): ForgedFile {
    const temporary = temporaryOf(uuid, target.dest);
    const inode =
      temporary.startsWith('/') && !temporary.includes('\0') ? this.#stand(stand, temporary, target.victim) : 7n;
    const size = stand === 'victim is it' && target.victim ? fs.lstatSync(target.victim).size : SIZE;
    return { ...claims, source: join(this.#world.home, 'source'), dest: target.dest, size, inode, crc: CRC };
  }

  /** One for each target, each stage and each thing at the temporary name, with the claims in turn; or every third. */
  files(all: boolean): void {
    for (const [i, until] of UNTIL.entries())
      for (const [j, stand] of STANDS.entries())
        for (const [k, target] of (all || (i + j) % 3 === 2 ? this.#targets(`${i}${j}`) : []).entries()) {
          const id = this.#next();
          const uuid = newUuid();
          const claims = CLAIMS[(i + j + k) % CLAIMS.length] as Claims;
          const kind = k % 5 === 4 ? 'symlink' : 'regular';
          const file: ForgedFile = { ...this.#file(uuid, target, stand, claims), kind };
          this.#leave(`f${id}`, forge({ uuid, files: [file], until }));
        }
  }

  /** Directories that are not his, said to be made by him: to be removed, or to be given away. */
  directories(): void {
    const { etc, bob, home, sticky } = this.#world;
    for (const until of UNTIL)
      for (const [dir, uid] of [
        [etc, 0],
        [bob, BOB],
        [sticky, 0],
        [home, 0],
      ] as const) {
        const id = this.#next();
        const path = join(dir, `empty${id}`);
        fs.mkdirSync(path, { mode: 0o700 });
        fs.chownSync(path, uid, uid);
        const claims = CLAIMS[this.#count % CLAIMS.length] as Claims;
        const dirs = [{ path, claims }, { path: `${path}/below` }];
        this.#leave(`d${id}`, forge({ uuid: newUuid(), files: [], dirs, until }));
      }
  }

  /** Records that no writer writes. */
  records(): void {
    const { etc, home } = this.#world;
    const victim = this.#world.victim(join(etc, 'of-records'));
    const uuid = newUuid();
    const file = { mode: 0o777, uid: 0, gid: 0, source: '/s', dest: victim, size: 1 };
    const bad = (xattr: string) => ({ ...file, xattrs: [[xattr, 'x']] as const });
    const begin = () => new Records(newUuid()).transfer();
    const many = 0xffff_ffff;
    const own = join(home, 'records');
    const all: Buffer[] = [
      ...['security.capability', 'trusted.overlay.opaque', 'system.posix_acl_access', 'user.\0x'].map(
        (name) => begin().file(0, bad(name)).add(4, u32(1), u32(0), u32(1), u32(0)).bytes,
      ),
      ...[many, 1 << 20, 0x7fff_ffff].map((n) => begin().add(4, u32(n), u32(n), u32(n), u32(n)).bytes),
      ...[many, 1 << 30].map((n) => begin().add(2, u32(0), Buffer.of(1), u32(n)).bytes),
      ...[many, 1 << 28].map((n) => begin().add(3, u32(0), u32(4), Buffer.from('/a/b'), Buffer.of(1), u32(n)).bytes),
      begin()
        .file(0, { ...file, dest: own })
        .file(1, { ...file, dest: own })
        .add(4, u32(2), u32(0), u32(2), u32(0)).bytes,
      begin()
        .file(0, { ...file, dest: own })
        .add(4, u32(1), u32(0), u32(1), u32(0))
        .add(11).bytes,
      begin().add(5, u32(many), u32(many), u32(0)).bytes,
      begin().add(99).bytes,
      new Records(newUuid()).transfer('x', many, many).bytes,
      new Records(newUuid()).transfer('\u001b[2J\n'.repeat(9999)).bytes,
      Buffer.concat([header(uuid), u32(many), Buffer.alloc(99, 0xff)]),
      header(uuid).subarray(0, 30),
      Buffer.alloc(0),
    ];
    for (const bytes of all) this.#leave(`r${this.#next()}`, bytes);
    // As large as one may be, and no bytes on the disk.
    for (const size of [200 << 20, 2 ** 40]) fs.truncateSync(this.#leave(`r${this.#next()}`, begin().bytes), size);
  }

  /** Under the names of state files, drafts, verdicts and locks: whatever a directory can hold. */
  async names(t: { teardown(end: () => void): void }): Promise<void> {
    const { etc, states } = this.#world;
    const hex = (digits: number) => newUuid().toString('hex').slice(0, digits);
    const shapes: readonly (() => string)[] = [
      () => `n${this.#next()}`,
      () => `.${hex(32)}.new`,
      () => `.axl-verdict.${hex(32)}-0`,
      () => `.axl-verdict.${hex(32)}-0.1.x`,
      () => `.axl-finalize.${this.#next()}.lock`,
    ];
    for (const shape of shapes) {
      const id = this.#next();
      const victim = this.#world.victim(join(etc, `of-names-${id}`));
      const empty = join(etc, `empty-${id}`);
      fs.mkdirSync(empty);
      const uuid = newUuid();
      const roots = join(etc, `state-${id}`);
      const file = { ...(CLAIMS[1] as Claims), source: '/s', dest: victim, size: 1 };
      fs.writeFileSync(roots, forge({ uuid, files: [file], until: 'sealed' }));
      const at = () => join(states, shape());
      fs.linkSync(victim, at());
      fs.linkSync(roots, at());
      const real = at(); // root's, put there by whoever: in a directory that is not root's
      fs.writeFileSync(real, forge({ uuid: newUuid(), files: [file], until: 'done' }));
      as(MALLORY, () => {
        for (const to of [victim, roots, empty, '/dev/zero', at()]) fs.symlinkSync(to, at());
        fs.mkdirSync(at());
      });
      this.#world.fifo(at());
      const socket = net.createServer().listen(at());
      t.teardown(() => socket.close());
      await new Promise((resolve) => socket.once('listening', resolve));
    }
  }

  /** Verdicts on datasets that were not decided by anybody. */
  verdicts(): void {
    const { etc, states } = this.#world;
    const victim = this.#world.victim(join(etc, 'of-verdicts'));
    const uuid = newUuid().toString('hex');
    const ids = Array.from({ length: 6 }, () => newUuid().toString('hex'));
    const escaping = [[uuid, `../../../etc/${basename(victim)}`]] as const;
    const texts = ids.map((dataset, i) => {
      const forged = [
        { dataset, decision: 2, transfers: escaping },
        { dataset, decision: 2, transfers: [[uuid, victim]] as const },
        { dataset, scope: 2 },
        { dataset: uuid, scope: 3 },
      ][i];
      return forged ? encodeVerdict(forged) : Buffer.from('{'.repeat(i));
    });
    for (const [i, bytes] of texts.entries()) {
      // Root's, and the user's own.
      this.#leave(`.axl-verdict.${ids[i]}-0`, bytes);
      this.#leave(`.axl-verdict.${ids[i]}-${MALLORY}`, bytes);
      fs.linkSync(victim, join(states, `.axl-verdict.${ids[i]}-0.7.x`));
    }
  }
}
