import type { SearchedText } from "./definition";

/** The texts of these fields that full text finds an object by; one without a value is none. */
export function searchedTexts(
  fields: Record<string, string | readonly string[] | undefined>,
  as?: SearchedText["as"],
): SearchedText[] {
  return Object.entries(fields).flatMap(([field, value]) =>
    [value ?? []].flat().flatMap((text): SearchedText[] => {
      if (text === "") return [];
      return [as === undefined ? { field, text } : { field, text, as }];
    }),
  );
}
