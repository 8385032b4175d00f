/** What every script's command line has in common: `--help`, and one clear line for what does not fit. */
import { parseArgs, type ParseArgsConfig } from "node:util";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Values = { [option: string]: string | undefined };

/** Runs a script with its flags (all take a value) and other words; a failure is one line, status 1. */
export async function runScript(
  help: string,
  flags: readonly string[],
  main: (values: Values, words: string[]) => Promise<void>,
): Promise<void> {
  const options: Options = { help: { type: "boolean", short: "h" } };
  for (const flag of flags) options[flag] = { type: "string" };
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (values.help === true) {
      console.log(help);
      return;
    }
    await main(values as Values, positionals);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.error(`${message.split(/\n|\. /, 1)[0] ?? ""} (see --help)`);
    process.exitCode = 1;
  }
}
