/** Each person's part of a document whose lines are for several: nets and shown taxes, added up. */
export function perPerson<Person extends string>(
  lines: readonly {
    contactId?: Person | undefined;
    totalPriceInCents: number;
    taxAmountInCents: number;
  }[],
): { contactId: Person; subtotalInCents: number; taxAmountInCents: number }[] {
  const people = new Map<Person, { subtotalInCents: number; taxAmountInCents: number }>();
  for (const { contactId, totalPriceInCents, taxAmountInCents } of lines) {
    if (contactId === undefined) continue;
    const sum = people.get(contactId) ?? { subtotalInCents: 0, taxAmountInCents: 0 };
    people.set(contactId, {
      subtotalInCents: sum.subtotalInCents + totalPriceInCents,
      taxAmountInCents: sum.taxAmountInCents + taxAmountInCents,
    });
  }
  return [...people].map(([contactId, sums]) => ({ contactId, ...sums }));
}
