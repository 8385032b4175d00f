/** Of the octets between dots, and of the whole without a dot at its end (RFC 1035, 2.3.4). */
const MAX_LABEL = 63;
const MAX_NAME = 253;

/**
 * What makes a host, as `new URL(…).hostname` gives it (so an A-label), no name that DNS could ever
 * resolve, or null. To connect to one is worse than useless: a TLS library may end its whole process
 * over a server name of more than 255 bytes.
 */
export function hostNameProblem(hostname: string): string | null {
  const name = hostname.replace(/\.$/, "");
  // An IPv6 address in brackets has no dots, and is short.
  const labels = name.split(".");
  if (name === "" || labels.includes("")) return "must have a host name without empty parts";
  if (labels.some((label) => label.length > MAX_LABEL)) {
    return `must have at most ${MAX_LABEL} characters between the dots of its host name`;
  }
  if (name.length > MAX_NAME) return `must have a host name of at most ${MAX_NAME} characters`;
  return null;
}

/** What is wrong with an address that the operator sets, in words that name its variable, or null. */
export function addressProblem(variable: string, address: string): string | null {
  const problem = URL.canParse(address)
    ? hostNameProblem(new URL(address).hostname)
    : "must be a URL";
  return problem === null ? null : `${variable} ${problem}.`;
}

/** For addresses that the operator sets. @throws an error that names the variable */
export function checkHostOf(variable: string, url: URL): URL {
  const problem = hostNameProblem(url.hostname);
  if (problem !== null) throw new Error(`${variable} ${problem}.`);
  return url;
}
