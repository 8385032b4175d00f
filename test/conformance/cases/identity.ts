import { expect } from "vitest";
import { api } from "../api";
import { subject } from "../suite";

const { inQuery, inMutation, inAction, nested, schedule, notes } = api.identity;
const ADA = { issuer: "https://id.example", subject: "ada", name: "Ada", email: "ada@id.example" };

export const identity = subject("identity", [
  {
    name: "a caller is known in every kind of function, and in those that it calls",
    async run(host) {
      const ada = host.as(ADA);
      const expected = { ...ADA, tokenIdentifier: "https://id.example|ada" };
      expect(await ada.query(inQuery, {})).toMatchObject(expected);
      expect(await ada.mutation(inMutation, {})).toMatchObject(expected);
      expect(await ada.action(inAction, {})).toMatchObject(expected);
      expect(await ada.action(nested, {})).toMatchObject(expected);
    },
  },
  {
    name: "a caller without credentials is nobody",
    async run(host) {
      expect(await host.anonymousQuery("identity:inQuery", {})).toBeNull();
    },
  },
  {
    name: "a scheduled function runs as nobody, whoever scheduled it",
    async run(host) {
      await host.as(ADA).mutation(schedule, {});
      await host.finishScheduled();
      expect(await host.query(notes, {})).toEqual(["nobody"]);
    },
  },
]);
