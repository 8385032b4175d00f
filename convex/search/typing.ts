/** Whether two words differ by one letter at most: another, one more, one less, or two that changed places. */
export function isOneMistake(asked: string, word: string): boolean {
  const [a, b] = [Array.from(asked), Array.from(word)];
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const rest = (letters: readonly string[], from: number): string => letters.slice(from).join("");
  if (start === a.length && start === b.length) return true;
  if (a.length > b.length) return rest(a, start + 1) === rest(b, start);
  if (a.length < b.length) return rest(a, start) === rest(b, start + 1);
  const isSwapped = a[start] === b[start + 1] && a[start + 1] === b[start];
  return (
    rest(a, start + 1) === rest(b, start + 1) ||
    (isSwapped && rest(a, start + 2) === rest(b, start + 2))
  );
}

/** The same of a word that is being written: of the word's beginning. */
export function isBegunWithMistake(asked: string, word: string): boolean {
  const { length } = Array.from(asked);
  const letters = Array.from(word);
  return [length - 1, length, length + 1].some((end) =>
    isOneMistake(asked, letters.slice(0, end).join("")),
  );
}
