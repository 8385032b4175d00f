import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { idOfAnyTenant } from "../kit/own";
import { definitionOf } from "./derived";
import type { ObjectDoc, ObjectType } from "./registry";
import type { Selection } from "./selection";

/**
 * What is seen of projects, and of what belongs to a project (`belongsTo` of a type's definition).
 *
 * Owners, managers, API keys and jobs see all. A member or viewer of the organization sees the projects
 * that are everybody's, and of those that are a team's (`visibility: "team"`) the ones whose team they
 * are active in. What belongs to a deleted project is seen by nobody, also while a job still removes it.
 * It is judged row by row, each project once; an organization without such projects reads one empty range.
 */
export type Seeing = {
  organizationId: Id<"organizations">;
  /** A member of staff whose sight goes by teams; absent for who sees all. */
  member?: Id<"users"> | undefined;
};

type Row = Doc<"objects">;

/** What a reader knows of one project. */
type Standing = {
  sight: Doc<"projectSight"> | null;
  /** Whether the reader sees a project that is its team's alone. */
  isIn: boolean;
  /** Of who has left the team: since when. */
  leftAt: number | undefined;
};

export class Sight {
  private readonly standings = new Map<Id<"objects">, Promise<Standing>>();
  private anyHidden: Promise<boolean> | undefined;
  private readonly hidings = new Map<Id<"objects"> | null, Promise<boolean>>();

  constructor(
    private readonly ctx: Pick<QueryCtx, "db">,
    private readonly seeing: Seeing,
    /** Not where the same transaction writes teams, too. */
    private readonly isRemembered = true,
  ) {}

  /** Whether there is anything of the type that the reader might not see. */
  async narrows(type: ObjectType): Promise<boolean> {
    if (await this.hides(type)) return true;
    const belongs = definitionOf(type).belongsTo !== undefined;
    if (!belongs && (type !== "project" || this.seeing.member === undefined)) return false;
    const known = this.isRemembered ? this.anyHidden : undefined;
    this.anyHidden = known ?? this.readAnyHidden();
    return await this.anyHidden;
  }

  /** Whether there are comments that nobody sees, while a job removes or moves them. */
  async hides(type: ObjectType): Promise<boolean> {
    return type === "comment" && (await this.hiding(null));
  }

  /** Whether the reader sees the object; of a deleted one, whether they may know that it was. */
  async sees(object: ObjectDoc): Promise<boolean> {
    if (object.lifecycle !== "deleted" && (await this.isHidden(object))) return false;
    const projectId = projectOf(object);
    if (projectId === undefined || !(await this.narrows(object.type))) return true;
    const { sight, isIn } = await this.standing(projectId);
    if (!sight) return true;
    if (sight.isRemoved && object.lifecycle !== "deleted") return false;
    return !sight.isTeam || isIn;
  }

  async seesProject(projectId: Id<"objects">): Promise<boolean> {
    const { sight, isIn } = await this.standing(projectId);
    return !sight || (!sight.isRemoved && (!sight.isTeam || isIn));
  }

  /** The same by an id from outside: one of another organization has no row of sight here, and no tasks. */
  async seesProjectNamed(id: string): Promise<boolean> {
    const projectId = idOfAnyTenant(this.ctx, "objects", id);
    return projectId !== null && (await this.seesProject(projectId));
  }

  /**
   * Whether a device of the reader may still have the object, which they do not see any more: it was
   * everybody's, they were in its team, or they were a manager.
   */
  async mayHold(object: ObjectDoc, membership: Doc<"memberships"> | null): Promise<boolean> {
    const projectId = projectOf(object);
    if (projectId === undefined) return false;
    const { sight, isIn, leftAt } = await this.standing(projectId);
    if (!sight?.isTeam || isIn) return false;
    if (object.type === "comment" && object.customProperties.hasMoved) return true;
    if (sight.isRemoved && object.lifecycle !== "deleted") return false;
    const wasOpen =
      sight.openUntil !== undefined && (membership?.createdAt ?? 0) <= sight.openUntil
        ? sight.openUntil
        : -Infinity;
    const until = Math.max(wasOpen, leftAt ?? -Infinity, membership?.sawAllUntil ?? -Infinity);
    return object.createdAt <= until;
  }

  private async isHidden({ type, relatedId, subjectId }: ObjectDoc): Promise<boolean> {
    if (!(await this.hides(type))) return false;
    for (const owner of [relatedId, subjectId]) {
      if (owner !== undefined && (await this.hiding(owner))) return true;
    }
    return false;
  }

  /** Of an owner of comments, or of any. */
  private async hiding(ownerId: Id<"objects"> | null): Promise<boolean> {
    const known = this.isRemembered ? this.hidings.get(ownerId) : undefined;
    const hiding = known ?? this.readHiding(ownerId);
    this.hidings.set(ownerId, hiding);
    return await hiding;
  }

  private async readHiding(ownerId: Id<"objects"> | null): Promise<boolean> {
    const row = await this.ctx.db
      .query("hiddenComments")
      .withIndex("by_owner", (q) => {
        const all = q.eq("organizationId", this.seeing.organizationId);
        return ownerId === null ? all : all.eq("ownerId", ownerId);
      })
      .first();
    return row !== null;
  }

  private async standing(projectId: Id<"objects">): Promise<Standing> {
    const known = this.isRemembered ? this.standings.get(projectId) : undefined;
    const standing = known ?? this.readStanding(projectId);
    this.standings.set(projectId, standing);
    return await standing;
  }

  private async readStanding(projectId: Id<"objects">): Promise<Standing> {
    const { organizationId, member } = this.seeing;
    const sight = await sightRow(this.ctx, organizationId, projectId);
    if (!sight?.isTeam || member === undefined) return { sight, isIn: true, leftAt: undefined };
    const row = await this.ctx.db
      .query("projectMembers")
      .withIndex("by_person", (q) => q.eq("projectId", projectId).eq("userId", member))
      .unique();
    return { sight, isIn: row?.status === "active", leftAt: row?.leftAt };
  }

  private async readAnyHidden(): Promise<boolean> {
    const { organizationId, member } = this.seeing;
    const rows = this.ctx.db.query("projectSight");
    const first = await rows
      .withIndex("by_removed", (q) => {
        const all = q.eq("organizationId", organizationId);
        return member === undefined ? all.eq("isRemoved", true) : all;
      })
      .first();
    return first !== null;
  }
}

/** The row of a project that not everybody sees; null for any other. */
export async function sightRow(
  ctx: Pick<QueryCtx, "db">,
  organizationId: Id<"organizations">,
  projectId: Id<"objects">,
): Promise<Doc<"projectSight"> | null> {
  return await ctx.db
    .query("projectSight")
    .withIndex("by_project", (q) =>
      q.eq("organizationId", organizationId).eq("projectId", projectId),
    )
    .unique();
}

/** The project that an object is, or belongs to. */
export function projectOf({ type, _id, parentId }: Row): Id<"objects"> | undefined {
  if (type === "project") return _id;
  return definitionOf(type).belongsTo === undefined ? undefined : parentId;
}

/** A selection as far as it is seen, and what judges its rows; null where all of them are. */
export type SeenSelection = {
  selection: Selection;
  judge: ((row: Row) => Promise<boolean>) | null;
};

/** Where a list is of certain projects, these are judged, and no row of them. */
export async function seenSelection(
  sight: Sight,
  type: ObjectType,
  selection: Selection,
): Promise<SeenSelection> {
  if (!(await sight.narrows(type))) return { selection, judge: null };
  const parents = definitionOf(type).belongsTo && selection.filters.parentId;
  if (!parents || (await sight.hides(type)))
    return { selection, judge: async (row) => await sight.sees(row) };
  const seen = await Promise.all(
    parents.map(async (id) => ((await sight.seesProjectNamed(id)) ? [id] : [])),
  );
  const filters = { ...selection.filters, parentId: seen.flat() };
  return { selection: { ...selection, filters }, judge: null };
}
