/** Why a caller could not be identified, in the codes that Convex uses. */
export class AuthenticationError extends Error {
  override readonly name = "AuthenticationError";

  constructor(
    readonly code:
      | "InvalidAuthHeader"
      | "NoAuthProvider"
      | "Unauthenticated"
      | "BadAdminKey"
      /** The provider cannot be reached: a later attempt with the same token may succeed. */
      | "AuthProviderDiscoveryFailed",
    message: string,
  ) {
    super(message);
  }

  get status(): 401 | 503 {
    return this.code === "AuthProviderDiscoveryFailed" ? 503 : 401;
  }
}
