/** The time, and being called at a time; tests have one that they move by hand. */
export interface Clock {
  now(): number;
  /** Calls once, at or after that time; gives back how to call it off. */
  at(time: number, run: () => void): () => void;
}

/** Node's timers overflow beyond this and then fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  at: (time, run) => {
    let timer: NodeJS.Timeout;
    const wait = (): void => {
      const left = time - Date.now();
      if (left <= 0) run();
      else timer = setTimeout(wait, Math.min(left, LONGEST_TIMER_MS));
    };
    timer = setTimeout(wait, Math.min(Math.max(0, time - Date.now()), LONGEST_TIMER_MS));
    return () => {
      clearTimeout(timer);
    };
  },
};
