/**
 * What an example of a body can name and only a deployment can give. It stands in the example as
 * `{contactId}`: Swagger shows that, Postman gets a variable, and the test that sends all examples puts a
 * real one there.
 */
export const EXAMPLE_IDS = [
  "contactId",
  "projectId",
  "templateId",
  "invoiceId",
  "notificationId",
  "attachmentId",
  "storageId",
  "inviteToken",
  "refreshToken",
  "verificationToken",
  "resetToken",
  "unlockToken",
  "mergeToken",
  "oneTimeToken",
  "mfaToken",
  "totpCode",
  "newTotpCode",
  "passkeyChallengeId",
  "newPasskeyId",
  "newPasskeyClientData",
  "newPasskeyAttestation",
  "signInChallengeId",
  "passkeyId",
  "passkeyClientData",
  "passkeyAuthenticatorData",
  "passkeySignature",
] as const;

export function exampleId(name: (typeof EXAMPLE_IDS)[number]): string {
  return `{${name}}`;
}
