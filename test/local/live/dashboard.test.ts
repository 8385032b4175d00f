/** The dashboard's own live functions, with the real `convex/` folder and the REST API beside it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../../helpers/server";
import { type Heard, LiveClient } from "./client";

type Demo = { organizationId: string; apiKey: string; staff: { sessionToken: string } };
type Listed = { _id: string; name: string; status: string }[];

let server: TestServer;
let demo: Demo;
let client: LiveClient;

beforeAll(async () => {
  server = await startServer();
  demo = (await server.readJson("demo.json")) as Demo;
  client = new LiveClient(server.cloudUrl);
});
afterAll(async () => {
  await client.close();
  await server.remove();
});

function follow(name: string, args: Record<string, string> = {}): Heard<Listed> {
  const { organizationId, staff } = demo;
  return client.subscribe(name, { sessionId: staff.sessionToken, organizationId, ...args });
}

async function createContact(fields: object): Promise<string> {
  const response = await fetch(`${server.siteUrl}/api/v1/crm/contacts`, {
    method: "POST",
    headers: { Authorization: `Bearer ${demo.apiKey}`, "Content-Type": "application/json" },
    body: JSON.stringify(fields),
  });
  expect(response.status).toBe(201);
  return ((await response.json()) as { contactId: string }).contactId;
}

test("what an integrator writes over REST reaches the open dashboard", async () => {
  const contacts = follow("crmOntology:getContacts");
  const before = (await contacts.until(() => true)).length;
  const id = await createContact({
    subtype: "lead",
    firstName: "Live",
    lastName: "Contact",
    email: "live@contact.example",
  });
  const now = await contacts.until((list) => list.length === before + 1);
  expect(now.find(({ _id }) => _id === id)?.name).toBe("Live Contact");
});

test("what the dashboard changes shows in every list that it has open, at once", async () => {
  const sessionId = demo.staff.sessionToken;
  const projects = follow("projectOntology:getProjects");
  const before = (await projects.until(() => true)).length;
  const created = (await client.mutation("projectOntology:createProject", {
    sessionId,
    organizationId: demo.organizationId,
    data: { name: "Live project", subtype: "client_project" },
  })) as { _id: string };
  const id = created._id;
  expect(projects.last).toHaveLength(before + 1);
  const project = client.subscribe<{ name: string }>("projectOntology:getProject", {
    sessionId,
    projectId: id,
  });
  await project.until(({ name }) => name === "Live project");
  await client.mutation("projectOntology:updateProject", {
    sessionId,
    projectId: id,
    updates: { name: "Renamed" },
  });
  expect(project.last?.name).toBe("Renamed");
  expect(projects.last?.find(({ _id }) => _id === id)?.name).toBe("Renamed");
});

test("a session that is none has its error, and no data", async () => {
  const stranger = follow("invoicingOntology:listInvoices", { sessionId: "fh_session_forged" });
  const known = follow("invoicingOntology:listInvoices");
  await known.until(Array.isArray);
  expect(stranger.values).toEqual([]);
  expect(stranger.errors[0]?.data).toMatchObject({ code: "UNAUTHORIZED", status: 401 });
});
