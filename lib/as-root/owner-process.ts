// The process that does for another user what root was asked to. It becomes that user before it imports or opens anything.
// From stdin: what to do. To stdout: what was done, as JSON.
// Arguments: uid, gid, the user's name, or '' for one without an entry in the user database, and which service it is.

const [uid, gid] = process.argv.slice(2, 4).map(Number) as [number, number];
const user = process.argv[4] ?? '';
// Node's types leave it out.
const { initgroups } = process as { initgroups?: (user: string, group: number) => void };
if (!(uid > 0) || !initgroups || !process.setgroups || !process.setgid || !process.setuid)
  throw new Error('only finalize() and orphans() may start owner-process');
if (user === '') process.setgroups([gid]);
else initgroups(user, gid);
process.setgid(gid);
process.setuid(uid);

const { serve } = await (process.argv[5] === 'removal-service'
  ? import('./removal-service.js')
  : import('./owner-service.js'));
await serve();

export {};
