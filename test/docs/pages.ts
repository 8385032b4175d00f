/** The commands that the pages show. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export type Block = {
  page: string;
  line: number;
  language: string;
  text: string;
};

/** In the order of a reader: what is in the walk of invoices is there for the pages behind it. */
const FIRST = ["README.md", "CONTRIBUTING.md", "docs/invoices.md"];

export function pages(): string[] {
  const docs = readdirSync(path.join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`);
  return [...FIRST, ...docs.filter((page) => !FIRST.includes(page))];
}

export function textOf(page: string): string {
  return readFileSync(path.join(ROOT, page), "utf8");
}

export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  let open: Block | null = null;
  for (const [index, line] of textOf(page).split("\n").entries()) {
    if (!line.startsWith("```")) {
      if (open) open.text += `${line}\n`;
    } else if (open) {
      blocks.push(open);
      open = null;
    } else {
      const [language = ""] = line.slice(3).trim().split(" ");
      open = { page, line: index + 2, language, text: "" };
    }
  }
  if (open) throw new Error(`${page}:${open.line} is not closed.`);
  return blocks;
}

/** What a shell runs. */
export function isCommands({ language }: Block): boolean {
  return ["sh", "bash", "shell", "console", "zsh"].includes(language);
}

/** A block that begins with such a comment says what a test has not got, and is not run. */
export function needOf({ text }: Block): string | null {
  return /^# Needs (.{10,})\n/.exec(text)?.[1] ?? null;
}

/** What is for a deployment at rest begins by saying so. */
export function wantsStopped({ text }: Block): boolean {
  return text.startsWith("# With the server stopped");
}

/** What a block says that it prints: lines such as `# → one part … another`. */
export function promisedOutput({ text }: Block): string[] {
  return [...text.matchAll(/^# → (.+)$/gm)].flatMap(([, parts = ""]) => parts.split(" … "));
}
