import type { QueryCtx } from "../_generated/server";
import { toSum } from "../money/amount";
import { decimalOf, divideRounded } from "../money/decimal";
import { minorUnitDecimals } from "../kit/currencies";
import { cellsOf, groupOf } from "../ontology/counts";
import { organizationOf } from "../kit/own";
import type { ObjectDoc, Status } from "../ontology/registry";
import { revenueByMonth } from "../ontology/reports";
import { taskType } from "../types/task/type";
import { timeOfProject } from "./sums";

export type ProjectSummary = {
  currency: string;
  budgetInCents?: number;
  plannedMinutes: number;
  loggedMinutes: number;
  unbilledInCents: number;
  invoicedInCents: number;
  openInCents: number;
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
  const currency = budget?.currency ?? (await organizationOf(ctx, project)).currency;
  const time = await timeOfProject(ctx, { organizationId, projectId });
  const unbilled = time?.unbilled.find((sum) => sum.currency === currency)?.sixtieths ?? 0n;
  const tasks = await cellsOf(ctx, organizationId, groupOf("task", projectId));
  const invoices = await cellsOf(ctx, organizationId, groupOf("invoice", projectId));
  const due = invoices.filter(({ key }) => key[2] === currency).map(({ sums }) => sums?.due ?? 0n);
  const always = { from: "0000-01", to: "9999-11" };
  const owner = { kind: "project", id: projectId } as const;
  const months = await revenueByMonth(ctx, organizationId, always, owner);
  const invoiced = months
    .filter((month) => month.currency === currency)
    .map(({ grossInCents }) => BigInt(grossInCents));
  const countOf = (status: string): number =>
    tasks.filter(({ key }) => key[0] === status).reduce((sum, { count }) => sum + count, 0);
  return {
    currency,
    ...(budget === undefined ? {} : { budgetInCents: budgetInCents(budget) }),
    plannedMinutes: toSum(tasks.reduce((sum, { sums }) => sum + (sums?.planned ?? 0n), 0n)),
    loggedMinutes: time?.minutes ?? 0,
    unbilledInCents: toSum(divideRounded(unbilled, 60n)),
    invoicedInCents: toSum(invoiced.reduce((sum, each) => sum + each, 0n)),
    openInCents: toSum(due.reduce((sum, each) => sum + each, 0n)),
    tasksByStatus: Object.fromEntries(
      taskType.statuses.map((status) => [status, countOf(status)]),
    ) as ProjectSummary["tasksByStatus"],
  };
}

/** A budget is in major units. */
function budgetInCents({ amount, currency }: { amount: number; currency: string }): number {
  const { units, scale } = decimalOf(amount);
  const decimals = BigInt(minorUnitDecimals(currency) ?? 2);
  return toSum(divideRounded(units * 10n ** decimals, 10n ** BigInt(scale)));
}
