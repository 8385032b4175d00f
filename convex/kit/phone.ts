import {
  type CountryCode,
  isSupportedCountry,
  type MetadataJson,
  parsePhoneNumberFromString,
  type PhoneNumber,
} from "libphonenumber-js/core";
import { onlyVisible } from "./invisible";
import { NUMBERING_PLANS } from "./numberingPlans";

/**
 * How phone numbers are compared. What is kept and shown stays as it was written; its key is E.164
 * (ITU-T), read by libphonenumber's numbering plans, whatever its spelling: `0171 123 45 67`,
 * `+49 (0)171/1234567`, `0049171…`, `tel:+49171…`.
 */

/** A country by its ISO 3166-1 code: where a number without a country code is dialled. */
export type Region = CountryCode;

/** Fewer are an extension or a short code, which many have. */
const FEWEST_DIGITS = 6;
/** A national and an international spelling of a number end in the same digits. */
const SIGNIFICANT_DIGITS = 9;
/** All that a written number consists of, beside digits. */
const WRITTEN = /^[\s\d+()./\-\u2010-\u2015\u2212]+$/;

let plans: MetadataJson | null = null;

/** Parsed with the first number: most calls read none, and would pay for every country's rules. */
function numberingPlans(): MetadataJson {
  plans ??= JSON.parse(NUMBERING_PLANS) as MetadataJson;
  return plans;
}

export function isRegion(code: string): code is Region {
  return code !== "" && isSupportedCountry(code as CountryCode, numberingPlans());
}

/**
 * The key of a number, null for what is none. A number without a country code is of `region`; where
 * that is not known, all numbers are compared by the end of their national digits, so that `0171…` and
 * `+49 171…` are one there too.
 */
export function phoneKey(phone: string, region: Region | null): string | null {
  const number = parsed(phone, region ?? undefined);
  const national = number?.nationalNumber ?? digitsOf(phone);
  if (national.length < FEWEST_DIGITS) return null;
  if (region === null || number === null) {
    return national.replace(/^0+/, "").slice(-SIGNIFICANT_DIGITS);
  }
  return number.number + (number.ext === undefined ? "" : `x${number.ext}`);
}

/**
 * The words that full text finds a number by, beside those that are written: its digits in one word, as
 * they are dialled from abroad and from within its country. They do not depend on where it is dialled,
 * so that they stay true when an organization moves.
 */
export function phoneWords(phone: string, region?: Region): string[] {
  const number = parsed(phone, region);
  const words = number
    ? [number.number.slice(1), digitsOf(number.formatNational().replace(/\sext\.?.*$/i, ""))]
    : [digitsOf(phone)];
  return [...new Set(words)].filter((word) => word.length >= FEWEST_DIGITS);
}

/** Whether a text that is searched for is nothing but a phone number. */
export function isPhoneNumber(text: string): boolean {
  const written = plain(text);
  return WRITTEN.test(written) && digitsOf(written).length >= FEWEST_DIGITS;
}

function parsed(phone: string, region: Region | undefined): PhoneNumber | null {
  const dialledIn = region === undefined ? {} : { defaultCountry: region };
  const number = parsePhoneNumberFromString(plain(phone), dialledIn, numberingPlans());
  return number?.isPossible() ? number : null;
}

/** In plain digits, with the `+` for which `00` stands in most of the world. */
function plain(phone: string): string {
  const text = onlyVisible(phone.normalize("NFKC"))
    // Arabic and Persian digits.
    .replace(/[\u0660-\u0669\u06f0-\u06f9]/g, (digit) => String(digit.charCodeAt(0) & 0xf))
    .trim();
  return withoutScheme(text).replace(/^(\(?)00[\s./-]*(?=[1-9])/, "$1+");
}

/** A URI as a plain number (RFC 3966): libphonenumber-js reads every second one of them only. */
function withoutScheme(text: string): string {
  const [number = "", ...parameters] = text.replace(/^tel:\s*/i, "").split(";");
  const valueOf = (name: string): string =>
    parameters.find((parameter) => parameter.toLowerCase().startsWith(name))?.slice(name.length) ??
    "";
  const context = /^\+\d+$/.exec(valueOf("phone-context="))?.[0] ?? "";
  const extension = /^\d+$/.exec(valueOf("ext="))?.[0];
  return context + number + (extension === undefined ? "" : ` ext. ${extension}`);
}

function digitsOf(text: string): string {
  return plain(text).replace(/\D/g, "");
}
