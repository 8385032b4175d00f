/** Far below Convex's limit of a document, and what one step of an import reads at a time. */
export const PIECE_BYTES = 64 * 1024;
