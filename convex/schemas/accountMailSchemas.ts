/** The messages to people about their accounts. */
export const accountMailTables = {};
