import type { QueryCtx } from "../_generated/server";
import { toSum } from "../money/amount";
import { decimalOf, divideRounded } from "../money/decimal";
import { minorUnitDecimals } from "../kit/currencies";
import { archivedType, cellsOf, groupOf } from "../ontology/counts";
import { organizationOf } from "../kit/own";
import type { ObjectDoc, Status } from "../ontology/registry";
import { revenueByMonth } from "../ontology/reports";
import { taskType } from "../types/task/type";
import { currencyOfProject } from "./rates";
import { timeOfProject } from "./sums";

type Amounts = {
  currency: string;
  unbilledInCents: number;
  invoicedInCents: number;
  openInCents: number;
};
export type ProjectSummary = Amounts & {
  budgetInCents?: number;
  plannedMinutes: number;
  loggedMinutes: number;
  otherCurrencies?: Amounts[];
  tasksByStatus: Record<Status<"task">, number>;
};

/**
 * Time and money of a project, exact, of what has been added up as it was written: nothing is scanned.
 * Amounts are those in the project's currency (its budget's, else the organization's). Invoiced is less what
 * was credited, and open what of that is still to be paid, both with tax.
 */
export async function summaryOf(
  ctx: QueryCtx,
  project: ObjectDoc<"project">,
): Promise<ProjectSummary> {
  const { organizationId, _id: projectId } = project;
  const { budget } = project.customProperties;
  const currency = currencyOfProject(project, await organizationOf(ctx, project));
  const time = await timeOfProject(ctx, { organizationId, projectId });
  const tasks = await cellsOf(ctx, organizationId, groupOf("task", projectId));
  const archived = await cellsOf(ctx, organizationId, groupOf(archivedType("task"), projectId));
  const invoices = await cellsOf(ctx, organizationId, groupOf("invoice", projectId));
  const owner = { kind: "project", id: projectId } as const;
  const months = await revenueByMonth(ctx, organizationId, ALWAYS, owner);
  const amountsIn = (of: string): Amounts => ({
    currency: of,
    unbilledInCents: toSum(
      divideRounded(time?.unbilled.find((sum) => sum.currency === of)?.sixtieths ?? 0n, 60n),
    ),
    invoicedInCents: added(
      months.filter((each) => each.currency === of).map((each) => BigInt(each.grossInCents)),
    ),
    openInCents: added(
      invoices.filter(({ key }) => key[2] === of).map(({ sums }) => sums?.due ?? 0n),
    ),
  });
  const known = new Set([
    ...(time?.unbilled ?? []).map((sum) => sum.currency),
    ...months.map((each) => each.currency),
    ...invoices.flatMap(({ key }) => key[2] ?? []),
  ]);
  const others = [...known]
    .filter((each) => each !== currency)
    .sort()
    .map(amountsIn)
    .filter((each) => each.unbilledInCents || each.invoicedInCents || each.openInCents);
  const countOf = (status: string): number =>
    tasks.filter(({ key }) => key[0] === status).reduce((sum, { count }) => sum + count, 0);
  return {
    ...amountsIn(currency),
    ...(budget === undefined ? {} : { budgetInCents: budgetInCents(budget) }),
    plannedMinutes: added([...tasks, ...archived].map(({ sums }) => sums?.planned ?? 0n)),
    loggedMinutes: time?.minutes ?? 0,
    ...(others.length === 0 ? {} : { otherCurrencies: others }),
    tasksByStatus: Object.fromEntries(
      taskType.statuses.map((status) => [status, countOf(status)]),
    ) as ProjectSummary["tasksByStatus"],
  };
}

/** Every month that there can be. */
const ALWAYS = { from: "0000-01", to: "9999-11" };

function added(sums: readonly bigint[]): number {
  return toSum(sums.reduce((a, b) => a + b, 0n));
}

/** A budget is in major units. */
function budgetInCents({ amount, currency }: { amount: number; currency: string }): number {
  const { units, scale } = decimalOf(amount);
  const decimals = BigInt(minorUnitDecimals(currency) ?? 2);
  return toSum(divideRounded(units * 10n ** decimals, 10n ** BigInt(scale)));
}
