import { emailKey } from "../kit/email";
import { isPhoneNumber, phoneWords, type Region } from "../kit/phone";

/**
 * Full text compares words. Addresses and phone numbers are one in several spellings, so they are kept
 * and asked for under words of their own beside those that were written.
 */
const FEW_WORDS = 40;

export function emailWords(...emails: (string | undefined)[]): string[] {
  return some(
    emails.filter(isGiven).flatMap((email) => {
      const key = emailKey(email);
      return key === email.toLowerCase() ? [email] : [email, key];
    }),
  );
}

export function phoneTexts(...phones: (string | undefined)[]): string[] {
  return some(phones.filter(isGiven).flatMap((phone) => [phone, ...phoneWords(phone)]));
}

/** What full text is asked for; the last word finds all that begin with it. */
export async function withSpellings(
  search: string,
  regionOf: () => Promise<Region | null>,
): Promise<string> {
  if (isPhoneNumber(search)) {
    return [search, ...phoneWords(search, (await regionOf()) ?? undefined)].join(" ");
  }
  return search.includes("@") ? emailWords(search).join(" ") : search;
}

function some(words: readonly string[]): string[] {
  return [...new Set(words)].slice(0, FEW_WORDS);
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== "";
}
