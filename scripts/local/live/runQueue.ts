/**
 * Starts the runs of queries a few at a time, so that others get the thread, and in turn for each
 * client that waits for one, so that who holds thousands does not hold up who holds one.
 */
const STARTED_TOGETHER = 16;

export class RunQueue {
  private readonly waiting = new Map<object, (() => void)[]>();
  private started = 0;

  run<T>(client: object, start: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const job = (): void => {
        start().then(resolve, reject);
      };
      const jobs = this.waiting.get(client);
      if (jobs === undefined) this.waiting.set(client, [job]);
      else jobs.push(job);
      this.startSome();
    });
  }

  private startSome(): void {
    for (const [client, jobs] of this.waiting) {
      if (this.started >= STARTED_TOGETHER) return;
      const job = jobs.shift();
      // To the end of the line, or out of it.
      this.waiting.delete(client);
      if (jobs.length > 0) this.waiting.set(client, jobs);
      if (this.started++ === 0)
        setImmediate(() => {
          this.nextTurn();
        });
      job?.();
    }
  }

  private nextTurn(): void {
    this.started = 0;
    this.startSome();
  }
}
