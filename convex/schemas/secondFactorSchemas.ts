/** Second factors and passkeys. */
export const secondFactorTables = {};
