import { starredBy } from "./comments/stars";
import { liveReadsOf } from "./live/reads";
import { liveWritesOf } from "./live/writes";

/** The dashboard's live functions of comments: what they take and answer is as over HTTP. */
const names = { area: "projects", idName: "commentId" } as const;
const reads = liveReadsOf("comment", { ...names, beside: starredBy });
const writes = liveWritesOf("comment", names);

/** The newest 1,000 comments; of one thing where `entityType` and `entityId` are given. */
export const getComments = reads.list;
export const getCommentsPaginated = reads.listPaginated;
export const getComment = reads.get;
export const createComment = writes.create;
/** Its text, by who wrote it. */
export const updateComment = writes.update;
/** Its replies go with it. */
export const deleteComment = writes.remove;
