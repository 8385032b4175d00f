import type { Doc, Id } from "../_generated/dataModel";
import type { Consumer } from "../delivery/consumer";
import { findOwn } from "../kit/own";
import { dataIn, previousIn } from "../ontology/eventData";
import { isOfType } from "../ontology/reader";
import { tellHolders } from "./holders";
import { keepReminder } from "./reminders";

/** An assignee and the row of a reminder, at most twenty of them by a change. */
const ROWS_PER_EVENT = 2 * 20 + 1;

/**
 * What a change of a task means to who holds it, whichever way it came in: newly assigned ones are told,
 * once, as far as the task is theirs still; its reminder moves along.
 */
export const taskNews: Consumer = {
  rowsPerEvent: async () => ROWS_PER_EVENT,
  take: async (ctx, organization, events) => {
    const told = new Set<string>();
    for (const event of events) {
      if (event.objectType !== "task") continue;
      const own = { organizationId: organization._id };
      const task = await findOwn(ctx, own, "objects", event.objectId);
      if (!task || !isOfType(task, "task")) continue;
      await keepReminder(ctx, organization, task);
      const added = addedBy(event).filter((id) => !told.has(`${task._id} ${id}`));
      for (const id of added) told.add(`${task._id} ${id}`);
      await tellHolders(ctx, organization, task, "task.assigned", added);
    }
  },
};

/** Who was newly assigned; who did it knows it. */
function addedBy(event: Doc<"events">): Id<"users">[] {
  const { assigneeIds: is = [] } = dataIn(event) as { assigneeIds?: Id<"users">[] };
  const previous = previousIn(event) as { assigneeIds?: Id<"users">[] } | undefined;
  if (event.type !== "task.created" && previous?.assigneeIds === undefined) return [];
  const before = new Set(previous?.assigneeIds ?? []);
  return is.filter((id) => !before.has(id) && id !== event.actor.id);
}
