/** The time, and being called at a time; tests have one that they move by hand. */
export interface Clock {
  now(): number;
  /**
   * Calls once, at or after that time, or when the clock has been set back meanwhile: who is called
   * looks at the time again. Gives back how to call it off.
   */
  at(time: number, run: () => void): () => void;
}

/** So long at most until it is noticed that the clock was set; Node's timers do not follow it. */
const LOOK_EVERY_MS = 30_000;
/** What a clock may differ from Node's timers without having been set. */
const TOLERANCE_MS = 1_000;

export const systemClock: Clock = {
  now: () => Date.now(),
  at: (time, run) => {
    let timer: NodeJS.Timeout;
    const wait = (): void => {
      const ms = Math.min(Math.max(0, time - Date.now()), LOOK_EVERY_MS);
      /** Stays as it is while the clock runs on. */
      const offset = Date.now() - performance.now();
      timer = setTimeout(() => {
        const wasSetBack = Date.now() - performance.now() < offset - TOLERANCE_MS;
        if (wasSetBack || Date.now() >= time) run();
        else wait();
      }, ms);
    };
    wait();
    return () => {
      clearTimeout(timer);
    };
  },
};
