/** Files that only the owner may read, written so that a crash leaves the old one or the new one. */
import { open, readFile, rename } from "node:fs/promises";
import path from "node:path";
import { codeOf, messageOf, Problem } from "./problem";

export async function writePrivately(file: string, content: string): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    const handle = await open(draft, "w", 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
    // The name is only durable with its folder.
    const folder = await open(path.dirname(file), "r");
    await folder.sync().finally(() => folder.close());
  } catch (error) {
    throw new Problem(`cannot write ${file}: ${messageOf(error)}`);
  }
}

export async function readIfThere(file: string): Promise<string | null> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    // The second where a file stands in the place of its folder.
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return null;
    throw new Problem(`cannot read ${file}: ${messageOf(error)}`);
  }
}

export async function readOrMake(file: string, make: () => string): Promise<string> {
  const known = await readIfThere(file);
  if (known !== null && known !== "") return known;
  const made = make();
  await writePrivately(file, `${made}\n`);
  return made;
}
