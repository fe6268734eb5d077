// fast-glob knows names as text only, so it reads directories through an adapter that gives it text from which the
// bytes come back: see encodeLossless.
import * as fs from 'node:fs';
import type { FileSystemAdapter } from 'fast-glob';
import { decodeLossless, encodeLossless } from './names.js';

type StatCallback = (error: NodeJS.ErrnoException | null, stats: fs.Stats) => void;
type ReaddirCallback = (error: NodeJS.ErrnoException | null, entries: fs.Dirent[]) => void;
/** Told of a directory that cannot be read, which then counts as empty. */
export type Unreadable = (error: NodeJS.ErrnoException, dir: Buffer) => void;

// fast-glob takes a backslash in the directory where it starts for a slash, and one after a leading dot for nothing.
// So it never sees one that is part of a name: it is put aside like a byte that is not UTF-8.
const BACKSLASH = '\u{DC5C}';

/** A name or a path, as fast-glob may see it. */
export function globText(name: Buffer): string {
  return encodeLossless(name).replaceAll('\\', BACKSLASH);
}

/** A pattern: in it a backslash takes the meaning from the next character, and only two of them are one of a name. */
export function globPattern(pattern: string): string {
  return encodeLossless(Buffer.from(pattern)).replaceAll('\\\\', BACKSLASH);
}

/** The file system for fast-glob. Without `unreadable`, a directory that cannot be read ends the search. */
export function globAdapter(unreadable?: Unreadable): Partial<FileSystemAdapter> {
  const readdir = (path: string, _options: object, callback: ReaddirCallback) => {
    const dir = decodeLossless(path);
    fs.readdir(dir, { withFileTypes: true, encoding: 'buffer' }, (error, entries) => {
      if (error && unreadable) unreadable(error, dir);
      if (error) return callback(unreadable ? null : error, []);
      const named = entries.map((entry) => Object.assign(entry, { name: globText(entry.name) }));
      callback(null, named as unknown as fs.Dirent[]);
    });
  };
  return {
    readdir,
    lstat: (path: string, callback: StatCallback) => fs.lstat(decodeLossless(path), callback),
    stat: (path: string, callback: StatCallback) => fs.stat(decodeLossless(path), callback),
  } as unknown as Partial<FileSystemAdapter>;
}
