/** Sign-in and connections by OAuth. */
export const oauthTables = {};
