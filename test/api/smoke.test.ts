import { expect, test } from "vitest";
import { newBackend } from "../helpers/backend";

test("smoke", async () => {
  const { request } = await newBackend();
  const a = await request("POST", "/crm/contacts", {
    body: {
      firstName: "Ada",
      lastName: "L",
      email: "ada@x.test",
      subtype: "lead",
      customFields: { größe: "L", n: { 日: [1] } },
      organizationInfo: { name: "Acme" },
    },
  });
  console.log(a.status, a.body, [...a.headers]);
  const g = await request("GET", `/crm/contacts/${a.body.contactId}`);
  console.log(g.status, JSON.stringify(g.body), g.headers.get("etag"));
  console.log(JSON.stringify((await request("GET", `/crm/contacts?status=active&limit=1`)).body));
  console.log(JSON.stringify((await request("GET", `/crm/organizations`)).body));
  console.log(
    JSON.stringify(
      (
        await request("PATCH", `/crm/contacts/${a.body.contactId}`, {
          body: { notes: "x", lastName: null },
        })
      ).body,
    ),
  );
  console.log(JSON.stringify((await request("GET", `/crm/contacts?search=ada`)).body));
  console.log(JSON.stringify((await request("PUT", `/crm/contacts`)).body));
  console.log(JSON.stringify((await request("GET", `/crmx`)).body));
  console.log(
    JSON.stringify(
      (await request("POST", `/api-keys`, { body: { name: "k", scopes: ["crm:read"] } })).body,
    ),
  );
  console.log(JSON.stringify((await request("GET", `/organization`)).body));
  console.log(JSON.stringify((await request("GET", `/openapi.json`)).body).length);
  expect(a.status).toBe(201);
});
