/** The keys that sign access tokens. */
export const signingKeyTables = {};
