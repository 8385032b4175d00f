import type { Clock } from "../../../scripts/local/scheduler/clock";

/** A clock that tests move by hand; due calls run in order as it moves. */
export class HandClock implements Clock {
  private time: number;
  private waiting: { time: number; run: () => void }[] = [];

  constructor(start: string) {
    this.time = Date.parse(start);
  }

  now(): number {
    return this.time;
  }

  at(time: number, run: () => void): () => void {
    const entry = { time, run };
    this.waiting.push(entry);
    if (time <= this.time)
      setImmediate(() => {
        this.moveTo(new Date(this.time).toISOString());
      });
    return () => {
      this.waiting = this.waiting.filter((other) => other !== entry);
    };
  }

  moveTo(when: string): void {
    const isSetBack = Date.parse(when) < this.time;
    this.time = Date.parse(when);
    const due = this.waiting.filter((entry) => isSetBack || entry.time <= this.time);
    this.waiting = this.waiting.filter((entry) => !due.includes(entry));
    for (const { run } of due.sort((a, b) => a.time - b.time)) run();
  }
}
