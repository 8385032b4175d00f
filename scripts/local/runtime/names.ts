/** The names of functions, as callers write them and as messages show them. */

/** `a/b.js:f`, `a/b:f` and `a/b` (the default export) are one name each. */
export function canonicalName(name: string): string {
  if (name.includes(":") && !name.includes(".js:")) return name;
  const [path = "", key = "default"] = name.split(":");
  return `${path.replace(/\.js$/, "")}:${key}`;
}

/** As messages show a name: the default export goes by its module. */
export function displayName(name: string): string {
  return canonicalName(name).replace(/:default$/, "");
}
