import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SearchedText } from "../../convex/ontology/definition";
import { indexedText } from "../../convex/search/indexed";
import { matchOf } from "../../convex/search/matching";
import { questionOf } from "../../convex/search/question";
import { folded } from "../../convex/search/words";

/** Whether a host finds it (any of the words, the last as a beginning), and how well it answers. */
async function score(text: string | SearchedText, search: string): Promise<number | null> {
  const searched = typeof text === "string" ? [{ field: "name", text }] : [text];
  const question = await questionOf(search, () => Promise.resolve("DE" as const));
  const words = indexedText(searched).split(" ");
  const terms = question.terms.split(" ");
  const last = terms.at(-1) ?? "";
  const isFound = words.some((word) => terms.includes(word) || word.startsWith(last));
  const match = matchOf(question, searched);
  expect(isFound || match === null || match.score <= 0.2).toBe(true);
  return isFound ? (match?.score ?? null) : null;
}

async function shown(text: string, search: string): Promise<string[]> {
  const question = await questionOf(search, () => Promise.resolve(null));
  const [found] = matchOf(question, [{ field: "name", text }])?.found ?? [];
  return (found?.ranges ?? []).map(([start, end]) => text.slice(start, end));
}

describe("the words of a search", () => {
  test.each([
    ["Müller", "muller"],
    ["Müller", "MÜLLER"],
    ["Muller", "Müller"],
    ["Mueller", "Müller"],
    ["Müller", "mueller"],
    ["Straße", "strasse"],
    ["Sørensen", "Sorensen"],
    ["Łódź", "lodz"],
    ["Côté", "cote"],
    ["İstanbul", "istanbul"],
    ["Mül\u00adler", "müller"],
    ["Rechnungen prüfen", "Rechnung"],
    ["Häuser am See", "Haus"],
    ["Angebote", "angebot"],
    ["Invoices", "invoice"],
    ["Companies", "company"],
    ["Factures réglées", "facture"],
    ["Réunions", "reunion"],
    ["Reuniones", "reunión"],
    ["Facturación", "facturaciones"],
    ["山田太郎", "山田"],
    ["Donaudampfschifffahrtsgesellschaftskapitän", "Donaudampfschifffahrtsgesellschaft"],
  ])("find %j by %j", async (text, search) => {
    expect(await score(text, search)).toBeGreaterThan(0.2);
  });

  test.each([
    ["INV-2026-05-001", "INV-2026-05-001"],
    ["INV-2026-05-001", "inv202605001"],
    ["anna.meier@acme.example", "Anna.Meier@ACME.example"],
    ["eva@bücher.example", "eva@xn--bcher-kva.example"],
    ["Ada Lovelace", "ada lovelace"],
  ])("know the whole of %j in %j", async (text, search) => {
    expect(await score(text, search)).toBe(1);
  });

  test.each(["2026-05", "05-001", "INV-2026", "2026-05-0", "001", "inv"])(
    "find a part of a number: %s, after the whole and before what is forgiven",
    async (search) => {
      const found = await score("INV-2026-05-001", search);
      expect(found).toBeGreaterThan(0.2);
      expect(found).toBeLessThan(1);
    },
  );

  test.each([
    ["INV-2026-05-002", "INV-2026-05-001"],
    ["INV-2026-05-0011", "INV-2026-05-002"],
    ["anna.meier@acne.example", "anna.meier@acme.example"],
    ["12346", "12345"],
    ["DE123456789", "DE123456788"],
  ])("never forgive a number or an address: %s is not %s", async (text, search) => {
    expect(await score(text, search)).toBeNull();
  });

  test.each(["0171 1234567", "+49 171 1234567", "00491711234567", "tel:+49171123"])(
    "find a phone number in another spelling: %s",
    async (search) => {
      const phone = { field: "phone", text: "+49 (0)171/123 45 67", as: "phone" as const };
      expect(await score(phone, search)).toBeGreaterThan(0);
    },
  );

  test("are shown where they stand, in UTF-16 units", async () => {
    expect(await shown("😀 Café Müller", "muller")).toEqual(["Müller"]);
    expect(await shown("Rechnung INV-2026-05-001.", "2026-05")).toEqual(["2026-05"]);
    expect(await shown("to anna@x.example today", "anna@x.example")).toEqual(["anna@x.example"]);
    expect(await shown("alpha beta gamma", "alpha gam")).toEqual(["alpha", "gamma"]);
  });

  test("forgive one letter of a word of five, and none of a shorter one", async () => {
    const of = async (text: string, search: string): Promise<number | undefined> => {
      const question = await questionOf(search, () => Promise.resolve(null));
      return matchOf(question, [{ field: "name", text }])?.score;
    };
    for (const typed of ["websiet", "wbsite", "webbsite", "wepsite"]) {
      expect(await of("Website", typed)).toBe(0.2);
    }
    expect(await of("Website", "wabsiet")).toBeUndefined();
    expect(await of("Haus", "Hans")).toBeUndefined();
  });

  test("of any text find it, show what is in it, and fit into what hosts take", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 60 }), async (text) => {
        const searched = [{ field: "name", text }];
        const question = await questionOf(text, () => Promise.resolve(null));
        expect(question.terms.split(" ").length).toBeLessThanOrEqual(16);
        for (const word of question.terms.split(" ")) expect(folded(word)).toBe(word);
        if (question.terms === "") return;
        const match = matchOf(question, searched);
        expect(match).not.toBeNull();
        const [found] = match?.found ?? [];
        for (const [start, end] of found?.ranges ?? []) {
          expect(text.slice(start, end).isWellFormed()).toBe(true);
          expect(end).toBeGreaterThan(start);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("of the longest text are made in bounded time, and so are its additions", () => {
    const text = Array.from(
      { length: 20_000 },
      (_, i) => `wort${String.fromCharCode(97 + (i % 26))}${i}-x`,
    );
    const indexed = indexedText([{ field: "description", text: text.join(" ") }]).split(" ");
    expect(indexed.length).toBeLessThanOrEqual(40_000 + 600);
  });
});
