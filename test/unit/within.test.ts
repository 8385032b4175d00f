import { expect, test, vi } from "vitest";
import { within } from "../../convex/kit/within";

const never = new Promise<never>(() => undefined);

test("work that does not read its signal is given up all the same", async () => {
  await expect(within(20, () => never)).rejects.toThrow("No answer within 0.02 s.");
});

test("work that reads its signal is told", async () => {
  let wasTold = false;
  const work = within(20, async (signal) => {
    signal.addEventListener("abort", () => {
      wasTold = true;
    });
    return await never;
  });
  await expect(work).rejects.toThrow();
  await vi.waitFor(() => {
    expect(wasTold).toBe(true);
  });
});

test("what comes in time is handed on, and so is why it does not come", async () => {
  expect(await within(60_000, () => Promise.resolve("here"))).toBe("here");
  const refused = within(60_000, () => Promise.reject(new Error("refused")));
  await expect(refused).rejects.toThrow("refused");
});
