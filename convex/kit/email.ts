import { onlyVisible, withoutInvisible } from "./invisible";

/**
 * What an e-mail address is, for everybody: one mailbox as RFC 5321 (4.1.2) has it with a dotted local
 * part, and RFC 6531 for other scripts. No name, brackets, comment, quotes, list or `mailto:`: mail
 * programs read each of those as another address than the whole text. Its domain is a public one: two
 * labels or more, of letters, digits and hyphens once it is written as DNS has it.
 */

/** RFC 5322, 3.2.3 (dot-atom), with RFC 6531, 3.3: other scripts' characters, but no white space. */
const LOCAL_PART = /^[^\s\p{Cc}()<>[\]:;@\\,."]+(?:\.[^\s\p{Cc}()<>[\]:;@\\,."]+)*$/u;
/** RFC 5890, 2.3.1: letters, digits and hyphens, a hyphen neither first nor last. */
const DNS_NAME =
  /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$|0x[\da-f]*$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** RFC 5321, 4.5.3.1: octets, of the address as it is said to a mail server. */
const MAX_LOCAL_OCTETS = 64;
export const MAX_OCTETS = 254;

const NO_ADDRESS =
  "must be one e-mail address such as ada@example.com, without a name, brackets, comma or mailto:";

type Parts = { local: string; domain: string };

/** The two sides, the domain as DNS has it (`xn--…`, lower case); else what is wrong. */
function partsOf(email: string): Parts | { problem: string } {
  const at = email.lastIndexOf("@");
  const local = email.slice(0, Math.max(at, 0));
  if (!LOCAL_PART.test(local)) return { problem: NO_ADDRESS };
  const given = email.slice(at + 1);
  if (/[\s,;:<>()[\]]/.test(given)) return { problem: NO_ADDRESS };
  const domain = dnsName(given);
  if (domain === null) {
    return { problem: "must have a domain with a dot after the @, as in ada@example.com" };
  }
  if (octets(local) > MAX_LOCAL_OCTETS) {
    return { problem: `must have at most ${MAX_LOCAL_OCTETS} bytes before the @` };
  }
  if (octets(local) + 1 + domain.length > MAX_OCTETS) {
    return { problem: `must have at most ${MAX_OCTETS} characters` };
  }
  return { local, domain };
}

/**
 * A domain in any script as DNS has it (UTS 46, as the WHATWG URL standard applies it: the platform's
 * own tables, which need no library in every bundle); null where it is none.
 */
function dnsName(domain: string): string | null {
  // Of ASCII only what names have: a URL would take the rest for a port, a path or an escape.
  if (!/^[A-Za-z0-9.\-\u0080-\u{10FFFF}]+$/u.test(domain)) return null;
  const plain = domain.toLowerCase();
  if (DNS_NAME.test(plain) && !plain.includes("xn--")) return plain;
  try {
    const { hostname } = new URL(`http://${domain}`);
    return DNS_NAME.test(hostname) ? hostname : null;
  } catch {
    return null;
  }
}

const utf8 = new TextEncoder();

function octets(text: string): number {
  return utf8.encode(text).length;
}

/** Composed, without white space around it and without characters that nobody sees. */
export function asKept(given: string): string {
  return withoutInvisible(given.normalize("NFC")).trim();
}

/** The address as it is kept (emailInput.ts says how); null for what is none. */
export function keptEmail(given: string): string | null {
  const email = asKept(given);
  return email.length > MAX_OCTETS || problemOf(email) !== null ? null : email;
}

/** What is wrong with an address as it would be kept; null where nothing is. */
export function problemOf(email: string): string | null {
  const parts = partsOf(email);
  return "problem" in parts ? parts.problem : null;
}

/**
 * How e-mails are compared: without case, composed, without what nobody sees, the domain as DNS has
 * it, so that `bücher.example` and `xn--bcher-kva.example` are one. The local part is not folded
 * further (RFC 6532, 3.1 warns of NFKC there). What is no address, as older rows may have it, is
 * compared by its text.
 */
export function emailKey(email: string): string {
  const text = onlyVisible(asKept(email));
  const parts = partsOf(asKept(email));
  const key = "problem" in parts ? text : `${onlyVisible(parts.local)}@${parts.domain}`;
  return key.toLowerCase().normalize("NFC");
}

/** The address as a mail server is told it: the domain as DNS has it. Null for what is no address. */
export function mailboxOf(email: string): string | null {
  const parts = partsOf(asKept(email));
  return "problem" in parts ? null : `${parts.local}@${parts.domain}`;
}
