import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  clientWins,
  editAt,
  hasChangedSince,
  MAX_AHEAD,
  type Written,
} from "../../convex/sync/lastWrite";

const NOW = 1_795_000_000_000;
const DAY = 24 * 60 * 60 * 1000;
const time = fc.integer({ min: NOW - DAY, max: NOW + DAY });
const device = fc.constantFrom("phone", "tablet");
const version = fc.integer({ min: 1, max: 20 });

/** Nobody has pushed what the office wrote. */
const byOffice: fc.Arbitrary<Written> = fc.record({ version, editedAt: time });
const byDevice: fc.Arbitrary<Written> = fc
  .tuple(version, time, device, fc.nat(19))
  .map(([at, clientUpdatedAt, name, writes]) => ({
    version: at,
    editedAt: editAt(name, clientUpdatedAt, NOW).editedAt,
    pushedBy: { device: name, editedAt: clientUpdatedAt, since: Math.max(0, at - 1 - writes) },
  }));
const written = fc.oneof(byOffice, byDevice);

test("an edit is never believed to be further ahead than it may be, and never made older", () => {
  fc.assert(
    fc.property(device, time, (name, at) => {
      const edit = editAt(name, at, NOW);
      expect(edit.editedAt).toBe(at <= NOW + MAX_AHEAD ? at : NOW + MAX_AHEAD);
      expect(edit.at).toBe(at);
    }),
  );
});

test("between two writers the later wins, and on a tie the server's", () => {
  fc.assert(
    fc.property(written, device, time, (server, name, at) => {
      fc.pre(server.pushedBy?.device !== name);
      const edit = editAt(name, at, NOW);
      expect(clientWins(server, edit)).toBe(edit.editedAt > server.editedAt);
    }),
  );
});

test("two edits of different devices end the same in whichever order they arrive, but for a tie", () => {
  fc.assert(
    fc.property(time, time, (one, two) => {
      const [phone, tablet] = [editAt("phone", one, NOW), editAt("tablet", two, NOW)];
      fc.pre(phone.editedAt !== tablet.editedAt);
      const onto = (first: typeof phone): Written => ({
        ...{ version: 2, editedAt: first.editedAt },
        pushedBy: { device: first.device, editedAt: first.at, since: 1 },
      });
      expect(clientWins(onto(phone), tablet)).toBe(!clientWins(onto(tablet), phone));
    }),
  );
});

test("a device's own edits are ordered by its own clock, however wrong it is", () => {
  fc.assert(
    fc.property(byDevice, time, (server, at) => {
      const own = server.pushedBy;
      if (!own) throw new Error("A device has written it.");
      expect(clientWins(server, editAt(own.device, at, NOW))).toBe(at >= own.editedAt);
    }),
  );
});

test("who winning makes later never wins less than who made it earlier", () => {
  fc.assert(
    fc.property(written, device, time, fc.nat(DAY), (server, name, at, more) => {
      const [earlier, later] = [editAt(name, at, NOW), editAt(name, at + more, NOW)];
      if (clientWins(server, earlier)) expect(clientWins(server, later)).toBe(true);
    }),
  );
});

test("nothing has changed since a version that is the present one, or that only the device itself wrote over", () => {
  fc.assert(
    fc.property(written, device, time, version, (server, name, at, base) => {
      const edit = editAt(name, at, NOW);
      const knowing = (baseVersion?: number) => ({ baseVersion, isOwnOnly: false });
      expect(hasChangedSince(server, knowing(server.version), edit)).toBe(false);
      const run = server.pushedBy?.device === name ? server.pushedBy : undefined;
      const isOwn = run !== undefined && run.since <= base && base < server.version;
      expect(hasChangedSince(server, knowing(base), edit)).toBe(base !== server.version && !isOwn);
      const ownOnly = { baseVersion: undefined, isOwnOnly: true };
      expect(hasChangedSince(server, ownOnly, edit)).toBe(run === undefined);
    }),
  );
});
