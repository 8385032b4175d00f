import type { LetterData } from "./letter";

/** Written before the payment and sent after it, a letter asks for what is left. */
export function balanceInEnglish(d: LetterData): string[] {
  switch (d["balance"]) {
    case "paid":
      return ["It has been paid: nothing is left to pay."];
    case "settled":
      return ["It is settled: nothing is left to pay."];
    case "part":
      return [`A part of it is settled: ${d["open"] ?? ""} is left to pay.`];
    default:
      return [];
  }
}

export function balanceInGerman(d: LetterData): string[] {
  switch (d["balance"]) {
    case "paid":
      return ["Sie ist bereits bezahlt: es ist nichts mehr offen."];
    case "settled":
      return ["Sie ist ausgeglichen: es ist nichts mehr offen."];
    case "part":
      return [`Ein Teil ist bereits ausgeglichen: offen sind noch ${d["open"] ?? ""}.`];
    default:
      return [];
  }
}
