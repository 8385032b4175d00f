import { ApiError } from "./errors";

/**
 * Why a credential is refused, and what to send instead. It goes by the form of what was sent, which its
 * sender knows: whether a well-formed one is unknown, revoked, expired or of another deployment is one
 * answer, so that nobody learns what exists.
 */
const REASONS = {
  missing: "There is no credential: send an API key or a session token in Authorization: Bearer …",
  empty:
    "There is nothing after Bearer: the variable that should hold the credential may be empty.",
  no_scheme: "Authorization lacks its scheme: write Bearer and a space before the credential.",
  other_scheme: "The scheme of Authorization must be Bearer: Authorization: Bearer …",
  several: "There is more than one word after Bearer; send one credential, without quotes.",
  key_in_other_header:
    "X-API-Key alone is no credential here: send the API key in Authorization: Bearer … (X-API-Key only stands beside a portal user's id).",
  mistyped:
    "The credential begins as one of ours and is cut off or mistyped: after fh_live_, fh_session_ or fh_portal_ come 43 characters.",
  unreadable:
    "The credential is of no kind that is known here: API keys begin with fh_live_ or fh_test_, session tokens with fh_session_ or fh_portal_, and a JWT has three parts with dots between them.",
  invite:
    "An invite's token says who may come in, not who is calling: accept it with POST /tenants/invites/accept.",
  refresh: "A refresh token is no credential: POST /auth/refresh gives an access token for it.",
  refresh_used:
    "The refresh token is used up, has expired, or is of a session that was ended. Sign in again.",
  one_time: "A one-time token is no credential: show it where the letter or page that has it says.",
  cookie: "The session cookie has no session token in it: sign in again.",
  id_alone:
    "This is neither a key nor a token of ours. If it is a portal user's id, an API key of the organization must stand beside it in X-API-Key.",
  no_key_beside_id:
    "X-API-Key is no API key: it begins with fh_live_ or fh_test_, and 43 characters follow.",

  api_key:
    "This API key is not good here: it was revoked, has expired, or is of another deployment.",
  session:
    "This staff session is not good here: it was ended, has expired, or is of another deployment. Sign in again.",
  portal_session:
    "This portal session is not good here: it was ended, has expired, or is of another deployment. Sign in again.",
  portal_user:
    "The API key in X-API-Key is not good here, or the id in Authorization is no active portal user's of its organization.",
  unkeyed_portal: "Send an API key: no organization's portal is trusted without one.",
  clerk: "The account that this JWT is of is not known here, or was deleted.",
  nobody: "There is no credential: sign in first.",
  access_token:
    "The session of this access token was ended or has expired, or its user is no longer here. Sign in again.",
  upload: "The upload is not this caller's, or has been used.",

  access_token_expired:
    "The access token has expired: they are good for 15 minutes, and POST /auth/refresh gives the next.",
  access_token_key:
    "The access token is signed by no key of this deployment: it is of another one, or of before its keys changed. Sign in again.",
  access_token_signature: "The access token's signature is not by the key that it names.",
  access_token_algorithm: "Access tokens are signed with ES256 (alg), and with nothing else.",
  access_token_form:
    "The access token is not as this deployment makes them: typ JWT and kid in its header; sub, sid, iat, exp and jti in its claims.",

  jwt_malformed:
    "The JWT cannot be read: it needs three base64url parts, kid in its header, and iss, sub and exp; at most 16,384 characters.",
  jwt_extension: "The JWT asks for an extension (crit) that is not understood here.",
  jwt_issuer: "The JWT's issuer (iss) is not the one that this deployment trusts.",
  jwt_audience:
    "The JWT is for another audience (aud): send a session token, or one that is for convex.",
  jwt_pending: "The sign-in that the JWT is of has not been finished (sts is pending).",
  jwt_expired: "The JWT has expired: get a new one, and send it within its lifetime.",
  jwt_early: "The JWT is not valid yet (nbf or iat): is a clock wrong?",
  jwt_party: "The JWT was made for another site (azp) than those that this deployment takes.",
  jwt_signature: "The JWT's signature is not its issuer's.",

  live: "Pass sessionId, a staff session token (fh_session_…), or authenticate the client with an access token or the identity provider's JWT.",
  live_portal: "Pass a portal session token (fh_portal_…).",
} as const satisfies Record<string, string>;

export type Unauthorized = keyof typeof REASONS;

export function unauthorized(reason: Unauthorized): ApiError {
  return new ApiError("UNAUTHORIZED", REASONS[reason]);
}
