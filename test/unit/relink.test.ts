import fc from "fast-check";
import { expect, test } from "vitest";
import type { Id } from "../../convex/_generated/dataModel";
import { type Relinked, referencesIn, replaced, withoutRelink } from "../../convex/ontology/relink";

const TARGET = "x" as Id<"objects">;
const SOURCES = ["a", "b", "c", "d"] as Id<"objects">[];
const person = fc.constantFrom(TARGET, ...SOURCES, "p", "q");

/** An object as they are: an id of its own, a list that names each once, and lines. */
const object = fc.record({
  ownerId: person,
  text: fc.constantFrom("a", "x of old", ""),
  contactIds: fc.uniqueArray(person),
  lines: fc.array(fc.record({ contactId: person, quantity: fc.integer() }), { maxLength: 4 }),
});

type Merge = Relinked & { isUndone: boolean };

function merge(properties: unknown, from: Id<"objects">): { properties: unknown; made: Merge } {
  const references = referencesIn(properties as never, [from, TARGET]);
  const made = { references, from, to: TARGET, isUndone: false };
  return { properties: replaced(properties as never, from, TARGET), made };
}

function undo(properties: unknown, merges: Merge[], i: number): unknown {
  const undone = merges[i];
  if (!undone) throw new Error("no such merge");
  const later = merges.slice(i + 1).filter(({ isUndone }) => !isUndone);
  const result = withoutRelink(properties as never, undone, later);
  later.forEach((each, at) => (each.references = result.references[at] ?? ""));
  undone.isUndone = true;
  return result.properties;
}

const order = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4, maxLength: 4 });

test("relinks to one object, taken back in any order, leave every reference as it was", () => {
  fc.assert(
    fc.property(object, order, order, (before, made, undone) => {
      let properties: unknown = before;
      const merges: Merge[] = [];
      for (const i of made) {
        const step = merge(properties, SOURCES[i] as Id<"objects">);
        properties = step.properties;
        merges.push(step.made);
      }
      for (const i of undone) properties = undo(properties, merges, i);
      expect(properties).toEqual(before);
    }),
    { numRuns: 500 },
  );
});

test("what was named between two relinks is still named once both are taken back", () => {
  fc.assert(
    fc.property(
      object,
      order,
      fc.constantFrom("n", "m"),
      fc.boolean(),
      (before, made, added, first) => {
        const [one = 0, two = 0] = made;
        const a = merge(before, SOURCES[one] as Id<"objects">);
        const list = (a.properties as { contactIds: string[] }).contactIds;
        const between = { ...(a.properties as object), contactIds: [...list, added] };
        const b = merge(between, SOURCES[two] as Id<"objects">);
        const merges = [a.made, b.made];
        let properties: unknown = b.properties;
        for (const i of first ? [0, 1] : [1, 0]) properties = undo(properties, merges, i);
        expect(properties).toEqual({ ...before, contactIds: [...before.contactIds, added] });
      },
    ),
    { numRuns: 500 },
  );
});
