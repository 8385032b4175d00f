/** Every list: `limit` and one of `cursor` (preferred), `offset` or `page`. */
export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 200;
export const MAX_OFFSET = 5000;

export const tooFar = `reaches beyond ${MAX_OFFSET} rows; use cursor`;
