import { type OAuthProvider, textClaim } from "./provider";

/** https://developers.google.com/identity/openid-connect/openid-connect */
export const google: OAuthProvider = {
  name: "google",
  title: "Google",
  prefix: "GOOGLE",
  issuer: "https://accounts.google.com",
  apiUrl: "https://www.googleapis.com",
  secretIn: "post",
  scopes: {
    sign_in: ["openid", "email", "profile"],
    connect: [
      ...["openid", "email", "profile"],
      "https://www.googleapis.com/auth/gmail.send",
      "https://www.googleapis.com/auth/calendar.events.readonly",
    ],
  },
  // A refresh token is given for `offline`, and again only with the consent itself.
  connecting: { access_type: "offline", prompt: "consent" },
  mayName: (said, configured) => said.replace(/\/+$/, "") === configured,
  issuerOf: (said) => said,
  emailOf: (claims) => {
    const email = textClaim(claims, "email");
    if (email === undefined) return null;
    const isVerified = claims["email_verified"] === true || claims["email_verified"] === "true";
    return { email, standing: isVerified ? "proved" : "refuted" };
  },
};
