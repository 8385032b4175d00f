/** What functions see of a token: the fields of `UserIdentity` (`convex/server`). */
import type { JWTPayload } from "jose";
import type { JSONValue } from "convex/values";

export type UserIdentity = {
  tokenIdentifier: string;
  subject: string;
  issuer: string;
  [claim: string]: JSONValue;
};

/** The standard claims of OpenID Connect, under the names that Convex gives them. */
const STANDARD: Record<string, string> = {
  name: "name",
  given_name: "givenName",
  family_name: "familyName",
  nickname: "nickname",
  preferred_username: "preferredUsername",
  profile: "profileUrl",
  picture: "pictureUrl",
  website: "websiteUrl",
  email: "email",
  email_verified: "emailVerified",
  gender: "gender",
  birthdate: "birthday",
  zoneinfo: "timezone",
  locale: "language",
  phone_number: "phoneNumber",
  phone_number_verified: "phoneNumberVerified",
};

/** Of the token and not of the user; most differ from token to token. */
const OF_THE_TOKEN = new Set(["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "fva"]);

/** Standard claims under Convex's names; all others as they are, those of an ID token alone left out. */
export function oidcIdentity(payload: JWTPayload): UserIdentity {
  const identity = baseOf(payload);
  for (const [claim, value] of claimsOf(payload)) {
    const name = STANDARD[claim];
    if (name !== undefined) identity[name] = value;
    else if (claim === "address") identity["address"] = formattedAddress(value);
    else if (claim === "updated_at") identity["updatedAt"] = timeOf(value);
    else if (!OF_ID_TOKENS.has(claim)) identity[claim] = value;
  }
  return identity;
}

const OF_ID_TOKENS = new Set(["auth_time", "nonce", "acr", "amr", "azp", "at_hash", "c_hash"]);

/** Every claim under its own name; what lies inside one goes by its path (`address.city`). */
export function customIdentity(payload: JWTPayload): UserIdentity {
  const identity = baseOf(payload);
  const flatten = (prefix: string, claims: Iterable<readonly [string, JSONValue]>): void => {
    for (const [claim, value] of claims) {
      if (typeof value === "object" && value !== null && !Array.isArray(value)) {
        flatten(`${prefix}${claim}.`, Object.entries(value as Record<string, JSONValue>));
      } else {
        identity[prefix + claim] = value;
      }
    }
  };
  flatten("", claimsOf(payload));
  // No claim may pass for who the user is.
  return { ...identity, ...baseOf(payload) };
}

/** What is the same in every token of a user, and in no other user's. */
export function identifierOf(issuer: string, subject: string): string {
  return `${issuer}|${subject}`;
}

function baseOf({ iss: issuer = "", sub: subject = "" }: JWTPayload): UserIdentity {
  return { tokenIdentifier: identifierOf(issuer, subject), subject, issuer };
}

function claimsOf(payload: JWTPayload): [string, JSONValue][] {
  const claims = Object.entries(payload) as [string, JSONValue][];
  const own = new Set(["tokenIdentifier", "subject", "issuer"]);
  return claims.filter(([claim]) => !OF_THE_TOKEN.has(claim) && !own.has(claim));
}

function formattedAddress(value: JSONValue): JSONValue {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? ((value as Record<string, JSONValue>)["formatted"] ?? null) : value;
}

function timeOf(value: JSONValue): JSONValue {
  return typeof value === "number" ? new Date(value * 1_000).toISOString() : value;
}
