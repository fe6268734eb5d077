// The process that finalizes for another user what root was asked to. It becomes that user before it imports or opens
// anything. From stdin: a commission as JSON, then the names, each ended by a NUL. To stdout: a JSON object a line.
// Arguments: uid, gid, and the user's name, or '' for one without an entry in the user database.

const [uid, gid] = process.argv.slice(2, 4).map(Number) as [number, number];
const user = process.argv[4] ?? '';
// Node's types leave it out.
const { initgroups } = process as { initgroups?: (user: string, group: number) => void };
if (!(uid > 0) || !initgroups || !process.setgroups || !process.setgid || !process.setuid)
  throw new Error('only finalize() may start owner-process');
if (user === '') process.setgroups([gid]);
else initgroups(user, gid);
process.setgid(gid);
process.setuid(uid);

const { serve } = await import('./owner-service.js');
await serve();

export {};
