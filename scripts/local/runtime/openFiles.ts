/**
 * Reads many files, a few at a time: a machine may give a process no more than 256 descriptors, and a
 * project has more files than that.
 */
const AT_ONCE = 32;

let free = AT_ONCE;
const waiting: (() => void)[] = [];

/** Runs what opens one file, in its turn over everything that goes this way. */
export async function withOpenFile<T>(read: () => Promise<T>): Promise<T> {
  if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
  else free -= 1;
  try {
    return await read();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  }
}
