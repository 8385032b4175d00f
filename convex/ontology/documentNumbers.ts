import { monthOf } from "../kit/localTime";
import type { InvoicingContext } from "./salesContent";
import { numberKey } from "./salesDocument";
import { lastSerial, nextSerial, serialText } from "./serials";

/** The kinds of documents that are numbered by month, and what their numbers begin with. */
export const NUMBERED = { invoice: "INV", credit_note: "CN", quote: "QUO" } as const;
export type NumberedType = keyof typeof NUMBERED;

const NUMBER = /^((?:INV|CN|QUO)-\d{4}-\d{2})-(\d{3,})$/;

/**
 * The number of a new document: the next of its month in the organization's time zone, or the one that
 * is given. Numbers of a month have no gaps: the serial passes over those that were given and are
 * taken, and a given number that is the next one counts as it.
 */
export async function numberFor(
  context: InvoicingContext,
  type: NumberedType,
  issueDate: number,
  given: string | undefined,
): Promise<string> {
  const { store, organization } = context;
  if (given !== undefined) {
    const [, series, serial] = NUMBER.exec(numberKey(given)) ?? [];
    if (series !== undefined && series.startsWith(`${NUMBERED[type]}-`)) {
      const next = (await lastSerial(context, organization._id, series)) + 1;
      const isNext = serial === serialText(next) && !(await isTaken(context, type, given));
      if (isNext) await nextSerial(context, organization._id, series);
    }
    return given;
  }
  const series = `${NUMBERED[type]}-${monthOf(issueDate, organization.timeZone)}`;
  for (;;) {
    const serial = await nextSerial(context, store.organizationId, series);
    const number = `${series}-${serialText(serial)}`;
    if (!(await isTaken(context, type, number))) return number;
  }
}

async function isTaken(
  { store }: InvoicingContext,
  type: NumberedType,
  number: string,
): Promise<boolean> {
  return (await store.findByKey(type, numberKey(number))) !== null;
}
