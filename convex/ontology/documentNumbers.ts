import { monthOf } from "../kit/localTime";
import type { InvoicingContext } from "./salesContent";
import { numberKey } from "./salesDocument";
import { lastSerial, nextSerial, numberIn, serialText } from "./serials";

/** The kinds of documents that are numbered by month, and what their numbers begin with. */
export const NUMBERED = { invoice: "INV", credit_note: "CN", quote: "QUO" } as const;
export type NumberedType = keyof typeof NUMBERED;

const SERIES = /^(?:TEST-)?(?:INV|CN|QUO)-\d{4}-\d{2}$/;
const NUMBER = /^(.+)-(\d{3,})$/;

/** Whether the series numbers documents: each of its numbers is then on one. */
export function isDocumentSeries(series: string): boolean {
  return SERIES.test(series);
}

/**
 * The series that a number is of, with its serial as it is written; null of any other number. Numbers
 * are compared as they look: one that was given may be written in another way.
 */
export function placeOfNumber(number: string): { series: string; serial: string } | null {
  const [, series = "", serial = ""] = NUMBER.exec(numberKey(number)) ?? [];
  return isDocumentSeries(series) ? { series, serial } : null;
}

/**
 * The number of a new document: the next of its month in the organization's time zone, or the one that
 * is given. Numbers of a month have no gaps: the serial passes over those that were given and are
 * taken, and a given number that is the next one counts as it. In a test organization all begin with
 * `TEST-`, the given ones too.
 */
export async function numberFor(
  context: InvoicingContext,
  type: NumberedType,
  issueDate: number,
  given: string | undefined,
): Promise<string> {
  const { store, organization } = context;
  const kind = numberIn(organization, NUMBERED[type]);
  if (given !== undefined) {
    const number = numberIn(organization, given);
    const place = placeOfNumber(number);
    if (place?.series.startsWith(`${kind}-`)) {
      const next = (await lastSerial(context, organization._id, place.series)) + 1;
      const isNext = place.serial === serialText(next) && !(await isTaken(context, type, number));
      if (isNext) await nextSerial(context, organization._id, place.series);
    }
    return number;
  }
  const series = `${kind}-${monthOf(issueDate, organization.timeZone)}`;
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
