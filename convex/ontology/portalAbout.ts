import type { QueryCtx } from "../_generated/server";
import { findOwn } from "../kit/own";
import { definitionOf } from "./derived";
import { linkToViewer, type PortalViewer } from "./portalRules";
import type { ObjectDoc } from "./registry";

/**
 * Whether what an object is about (`portal.about` of its type) is the viewer's still, and there: its own
 * links may be those of a moment ago. What customers see none of is judged by the project that it is of.
 */
export async function isAboutTheirs(
  ctx: Pick<QueryCtx, "db">,
  viewer: PortalViewer,
  object: ObjectDoc,
): Promise<boolean> {
  const about = definitionOf(object.type).portal?.about?.(object);
  if (about === undefined) return true;
  const subject = await findOwn(ctx, object, "objects", about);
  if (!subject || subject.lifecycle === "deleted") return false;
  const { portal, belongsTo } = definitionOf(subject.type);
  if (portal || belongsTo === undefined || subject.parentId === undefined) {
    return linkToViewer(viewer, subject) !== undefined;
  }
  const project = await findOwn(ctx, object, "objects", subject.parentId);
  if (!project || project.lifecycle === "deleted") return false;
  return linkToViewer(viewer, project) !== undefined;
}
