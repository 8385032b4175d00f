/**
 * What is made when it is first asked for, and then kept. On Convex every call evaluates its modules
 * afresh and uses few of the schemas that they have: a schema of a module is such a function.
 */
export function once<Value>(make: () => Value): () => Value {
  let made: { value: Value } | null = null;
  return () => (made ??= { value: make() }).value;
}
