/** The `Authorization` header of a client: a provider's token, or the operator's key. */
import {
  actingAs,
  AuthenticationError,
  type Identities,
  type Identity,
  isTokenShaped,
  NO_TOKEN,
} from "../identity";
import { type AdminKey, BAD_ADMIN_KEY } from "./adminKey";

export type Authorization = { identity: Identity | null; isAdmin: boolean };

const ANONYMOUS: Authorization = { identity: null, isAdmin: false };
const ADMIN_SCHEME = "Convex ";

/** @throws AuthenticationError */
export async function authorize(
  header: string | undefined,
  identities: Identities,
  adminKey: AdminKey,
): Promise<Authorization> {
  if (header === undefined) return ANONYMOUS;
  if (header.startsWith(ADMIN_SCHEME)) return asAdmin(header.slice(ADMIN_SCHEME.length), adminKey);
  return { identity: await identities.verify(bearerToken(header)), isAdmin: false };
}

/**
 * Who calls an HTTP action. What the header is good for is the app's affair, so a token of no provider
 * is only refused when the app asks for the identity.
 */
export async function callerOfHttpAction(
  header: string | undefined,
  identities: Identities,
): Promise<Identity | AuthenticationError | null> {
  if (header === undefined) return null;
  try {
    const token = bearerToken(header);
    // Most are the app's own keys: an error of its own for each would cost more than all its routing.
    return isTokenShaped(token) ? await identities.verify(token) : NO_TOKEN;
  } catch (error) {
    if (error instanceof AuthenticationError) return error;
    throw error;
  }
}

function bearerToken(header: string): string {
  const token = /^bearer +(\S+) *$/i.exec(header)?.[1];
  if (token !== undefined) return token;
  throw new AuthenticationError("InvalidAuthHeader", "Header must begin with `bearer `");
}

/** `<key>`, or `<key>:<identity>` for an operator who acts as a user. */
function asAdmin(given: string, adminKey: AdminKey): Authorization {
  if (!adminKey.matches(given)) {
    throw new AuthenticationError("BadAdminKey", BAD_ADMIN_KEY.message);
  }
  const [, acting] = given.split(":", 2);
  return { identity: acting === undefined ? null : actingAs(parseActing(acting)), isAdmin: true };
}

function parseActing(encoded: string): unknown {
  try {
    return JSON.parse(Buffer.from(encoded, "base64").toString("utf8"));
  } catch {
    throw new AuthenticationError("InvalidAuthHeader", "The acting user is not base64 of JSON");
  }
}
