import ipaddr from "ipaddr.js";
import { hostNameProblem } from "./hostName";

/** Beside 443, only ports that a privileged service (SSH, SMTP, DNS) does not listen on. */
const FIRST_UNPRIVILEGED_PORT = 1024;

/** Names that never lead to the public internet (RFC 6761, 6762, 8375, 9476, and common usage). */
const LOCAL_NAMES = /(^|\.)(localhost|local|internal|intranet|home\.arpa|lan|test|invalid|onion)$/;

/** Public IPv6 addresses are given out of 2000::/3 alone (IANA). */
const GLOBAL_IPV6 = ipaddr.parseCIDR("2000::/3");

/**
 * Whether an IP address is one of the public internet: not private, loopback, link-local,
 * carrier-grade NAT, multicast, reserved, unspecified or broadcast; nor an IPv6 address that leads to
 * an IPv4 one (mapped, NAT64, 6to4, Teredo), whatever that is.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== "unicast") return false;
  return parsed.kind() === "ipv4" || parsed.match(GLOBAL_IPV6);
}

/**
 * What is wrong with the address of a receiver, or null. A name is judged again by what it resolves
 * to, at each connection; what can be told from the text is told here. `allowPrivate`: also http and
 * addresses that are not public.
 */
export function receiverProblem(address: string, allowPrivate: boolean): string | null {
  if (!URL.canParse(address)) return "must be an absolute URL";
  const url = new URL(address);
  const schemes = allowPrivate ? ["https:", "http:"] : ["https:"];
  if (!schemes.includes(url.protocol)) return "must begin with https://";
  if (url.username !== "" || url.password !== "") return "must not contain a user or password";
  if (url.hash !== "") return "must not have a fragment";
  const nameProblem = hostNameProblem(url.hostname);
  if (nameProblem !== null) return nameProblem;
  if (allowPrivate) return null;
  if (url.port !== "" && Number(url.port) < FIRST_UNPRIVILEGED_PORT) {
    return `must use port 443, or one from ${FIRST_UNPRIVILEGED_PORT} up`;
  }
  return isPublicHost(url.hostname) ? null : "must lead to a public address";
}

function isPublicHost(hostname: string): boolean {
  const host = hostname
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")
    .toLowerCase();
  if (ipaddr.isValid(host)) return isPublicAddress(host);
  return host.includes(".") && !LOCAL_NAMES.test(host);
}
