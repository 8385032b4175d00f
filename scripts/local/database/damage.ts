/**
 * What the disk gives back is not what was written to it: a file that was cut, pages that are zero, bits
 * that have turned. LMDB has no checksums, so this is noticed where something does not fit together: a
 * page of the wrong kind, keys out of order, an entry without its document, a document that is no JSON.
 */
import { messageOf } from "../problem";
import { log } from "../runtime/log";
import { Unavailable } from "./unavailable";

/** A read that cannot be answered, rather than be answered with less than there is. */
export class StoreDamaged extends Unavailable {
  constructor(readonly found: string) {
    super("the store is damaged, and what was asked for cannot be read.", 3_600);
    log("error", `The store is damaged: ${found}. ${WAY_OUT}`);
  }
}

export const WAY_OUT =
  "Stop the server; then restore a backup (npm run restore -- --from <backup> --force yes), " +
  "or keep what can be read (npm start -- --repair)";

/** Something that does not fit together, as it is found. */
export class DamageFound extends Error {}

/** Errors of LMDB that say of a page that it is not what it should be. */
const OF_LMDB = /MDB_(CORRUPTED|PAGE_NOTFOUND|PANIC|INVALID|BAD_TXN|BAD_VALSIZE|BAD_DBI)/;
/** What reading makes of lengths and keys that are none. */
const OF_LENGTHS = /Invalid key size|cannot be converted to a BigInt|Invalid typed array length/;

/** What an error says of damage; null if it says nothing of it. */
export function damageIn(error: unknown): string | null {
  const message = messageOf(error);
  const isDamage =
    error instanceof DamageFound || OF_LMDB.test(message) || OF_LENGTHS.test(message);
  return isDamage ? message : null;
}

/** A read whose damage goes on to whoever asked as a refusal. @throws StoreDamaged, or as `read` */
export function sound<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    const found = damageIn(error);
    throw found === null ? error : new StoreDamaged(found);
  }
}
