import { createHmac } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { endpoints, incomingWebhooks } from "../../convex/api/endpoints";
import { DEFAULT_CALLERS } from "../../convex/kit/caller";
import { EXAMPLE_IDS } from "../../convex/kit/exampleId";
import { Authenticator } from "../accounts/authenticator";
import { codeOf, STEP_MS } from "../accounts/totpApp";
import { startSmtp, type MailServer } from "../delivery/smtpServer";
import { type Answer, type Request, requester, type RequestOptions } from "../helpers/answer";
import { type WholeRoute, wholeRoutes } from "../helpers/isolation";
import {
  aProject,
  aProjectTemplate,
  aSentInvoice,
  contact,
  message,
  type Params,
} from "../helpers/routes";
import type { Operation } from "../helpers/openapi";
import { clockAhead, eventually } from "../helpers/server";
import { type Site, startSite } from "../helpers/site";
import { signedEvent, stripeEvent } from "../helpers/webhooks";
import { Clerk } from "../tenants/clerk";

/**
 * Every example of a body that `openapi.json` shows is sent, as it stands there, to a server that has
 * just been founded, by its first owner; now, and years from now.
 */

type Content = NonNullable<Operation["requestBody"]>["content"];
type Name = (typeof EXAMPLE_IDS)[number];

const YEARS = 5 * 365 * 24 * 60 * 60 * 1000;
/** Of the deployment, by provider. */
const SECRETS: Record<string, string> = {
  generic: process.env["PAYMENT_WEBHOOK_SECRET"] ?? "",
  stripe: process.env["STRIPE_WEBHOOK_SECRET"] ?? "",
  clerk: process.env["CLERK_WEBHOOK_SECRET"] ?? "",
  resend: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
  whatsapp: "app-secret",
};
const ENVIRONMENT = {
  PAYMENT_WEBHOOK_SECRET: SECRETS.generic ?? "",
  STRIPE_WEBHOOK_SECRET: SECRETS.stripe ?? "",
  CLERK_WEBHOOK_SECRET: SECRETS.clerk ?? "",
  RESEND_WEBHOOK_SECRET: SECRETS.resend ?? "",
  WHATSAPP_APP_SECRET: SECRETS.whatsapp ?? "",
};

/** Bodies of bytes, which a document of text cannot show: they have a picture's type, and no example. */
const WITHOUT_EXAMPLE = ["POST /organization/logo"];

const routes = wholeRoutes.filter(({ body, raw }) => body ?? raw);
const titled = <Each extends { title: string }>(list: Each[]): [string, Each][] =>
  list.map((each) => [each.title, each]);

test("every endpoint with a body has an example of it, but for bytes", () => {
  const bare = endpoints
    .filter(({ body, raw }) => body ?? raw)
    .filter(({ raw, example }) => (raw ? Object.values(raw).includes(null) : example === undefined))
    .map(({ method, path }) => `${method} ${path}`);
  expect(bare).toEqual(WITHOUT_EXAMPLE);
});

describe.each([
  ["now", 0],
  ["in five years", YEARS],
])("an example that is sent %s", (_when, ahead) => {
  let site: Site;
  let mail: MailServer;
  let clerk: Clerk;
  let owner: Request;
  let queued: string;

  beforeAll(async () => {
    [mail, clerk] = await Promise.all([startSmtp(), Clerk.start()]);
    const sending = { SMTP_URL: mail.url, EMAIL_FROM: "Studio <hello@studio.test>" };
    const env = { ...ENVIRONMENT, ...sending, CLERK_ISSUER: clerk.issuer, ...clockAhead(ahead) };
    site = await startSite({ env });
    owner = as(site.demo.staff.sessionToken);
    queued = await message(site.request);
  });
  afterAll(async () => {
    await Promise.all([site.server.remove(), mail.close(), clerk.stop()]);
  });
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ahead });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const as = (token: string): Request =>
    requester((at, init) => fetch(site.server.siteUrl + at, init), token);

  const fillers: Record<Name, () => Promise<string>> = {
    contactId: () => contact(site.request),
    projectId: () => aProject.subject(site.request),
    templateId: () => aProjectTemplate.subject(site.request),
    invoiceId: () => aSentInvoice.subject(site.request),
    notificationId: () => ownNotification(owner, site.request),
    attachmentId: () => Promise.resolve(upload.attachmentId),
    storageId: () => Promise.resolve(upload.storageId),
    inviteToken: () => inviteOf(owner),
    refreshToken: async () => (await newAccount()).tokens.refreshToken,
    verificationToken: async () => await tokenMailedTo((await newAccount()).user.email),
    mergeToken: async () => {
      const { sessionToken: token } = await newAccount();
      const { data } = (await owner("POST", "/auth/merge/token", { token })).body;
      return (data as unknown as { token: string }).token;
    },
    resetToken: async () => {
      const { email } = (await newAccount()).user;
      return await tokenMailedTo(email, () =>
        stranger("POST", "/auth/forgot-password", { body: { email } }),
      );
    },
    unlockToken: async () => {
      const { email } = (await newAccount()).user;
      const body = { email, password: "wrong" };
      return await tokenMailedTo(email, () =>
        Promise.all(Array.from({ length: 10 }, () => stranger("POST", "/auth/login", { body }))),
      );
    },
    oneTimeToken: async () => {
      const answer = await owner("POST", "/auth/session-token");
      return (answer.body as unknown as { url: string }).url.split("/").at(-1) ?? "";
    },
    mfaToken: async () => {
      const { email } = await accountWithApp();
      const body = { email, password: "Lindenallee-47-Nord" };
      const answer = await stranger("POST", "/auth/login", { body });
      return (answer.body as unknown as { mfaToken: string }).mfaToken;
    },
    totpCode: async () => codeOf((await accountWithApp()).secret, Date.now() + STEP_MS),
    newTotpCode: async () => codeOf((await beginApp()).secret),
    passkeyChallengeId: async () => (await newPasskey()).challengeId,
    newPasskeyId: async () => (await newPasskey()).made.id,
    newPasskeyClientData: async () => (await newPasskey()).made.response.clientDataJSON,
    newPasskeyAttestation: async () => (await newPasskey()).made.response.attestationObject,
    signInChallengeId: async () => (await passkeySignIn()).challengeId,
    passkeyId: async () => (await passkeySignIn()).answer.id,
    passkeyClientData: async () => (await passkeySignIn()).answer.response.clientDataJSON,
    passkeyAuthenticatorData: async () => (await passkeySignIn()).answer.response.authenticatorData,
    passkeySignature: async () => (await passkeySignIn()).answer.response.signature,
  };
  type Begun = { challengeId: string; options: { challenge: string } };
  type NewPasskey = {
    authenticator: Authenticator;
    challengeId: string;
    made: ReturnType<Authenticator["create"]>;
  };
  type PasskeySignIn = { challengeId: string; answer: ReturnType<Authenticator["get"]> };
  let passkey: NewPasskey | null = null;
  let byPasskey: PasskeySignIn | null = null;
  async function newPasskey(): Promise<NewPasskey> {
    if (passkey) return passkey;
    const request = as((await newAccount()).sessionToken);
    caller = request;
    const authenticator = new Authenticator(new URL(site.server.siteUrl).origin);
    const begun = (await request("POST", "/auth/passkeys/options")).body.data;
    const { challengeId, options } = begun as unknown as Begun;
    passkey = { authenticator, challengeId, made: authenticator.create(options) };
    return passkey;
  }
  async function passkeySignIn(): Promise<PasskeySignIn> {
    if (byPasskey) return byPasskey;
    const { authenticator, challengeId, made: credential } = await newPasskey();
    const body = { challengeId, name: "Laptop", credential };
    await caller?.("POST", "/auth/passkeys", { body });
    const begun = (await stranger("POST", "/auth/passkeys/login/options", { body: {} })).body.data;
    const asked = begun as unknown as Begun;
    byPasskey = {
      challengeId: asked.challengeId,
      answer: authenticator.get(asked.options),
    };
    return byPasskey;
  }
  /** Whose passkey or code it is that an example has. */
  let caller: Request | null = null;
  let withApp: { email: string; secret: string; request: Request } | null = null;
  async function beginApp(): Promise<NonNullable<typeof withApp>> {
    const { user, sessionToken } = await newAccount();
    const request = as(sessionToken);
    const { data } = (await request("POST", "/auth/mfa/totp")).body;
    caller = request;
    withApp = {
      email: user.email,
      request,
      secret: (data as unknown as { secret: string }).secret,
    };
    return withApp;
  }
  async function accountWithApp(): Promise<NonNullable<typeof withApp>> {
    if (withApp) return withApp;
    const begun = await beginApp();
    const body = { code: codeOf(begun.secret) };
    await begun.request("POST", "/auth/mfa/totp/confirm", { body });
    return begun;
  }
  const stranger: Request = (...request) =>
    requester((at, init) => fetch(site.server.siteUrl + at, init), null)(...request);

  type Account = {
    user: { email: string };
    tokens: { accessToken: string; refreshToken: string };
    sessionToken: string;
  };
  let accounts = 0;
  async function newAccount(password = "Lindenallee-47-Nord", known?: string): Promise<Account> {
    accounts += 1;
    const email = known ?? `person${accounts}@x.test`;
    const body = { email, password, name: "Mara Winter" };
    return (await stranger("POST", "/auth/register", { body })).body as unknown as Account;
  }

  /** The token of the last letter to an address, after what has it sent. */
  async function tokenMailedTo(email: string, ask?: () => Promise<unknown>): Promise<string> {
    const tokens = (): string[] =>
      mail.mails
        .filter((text) => text.includes(email))
        .flatMap(
          (text) =>
            /#token=(?:3D)?(fh_once_[\w-]{43})/.exec(text.replace(/=\r?\n/g, ""))?.[1] ?? [],
        );
    const before = ask
      ? await eventually(
          () => Promise.resolve(tokens()),
          (all) => all.length > 0,
        )
      : [];
    await ask?.();
    const after = await eventually(
      () => Promise.resolve(tokens()),
      (all) => all.length > before.length,
    );
    return after.at(-1) ?? "";
  }
  let upload = { attachmentId: "", storageId: "" };

  /** The example with real ids in the place of those that it names. */
  async function filled(example: unknown): Promise<unknown> {
    let text = JSON.stringify(example);
    if (text.includes("{storageId}")) upload = await uploaded(owner);
    for (const name of EXAMPLE_IDS) {
      if (text.includes(`{${name}}`)) text = text.replaceAll(`{${name}}`, await fillers[name]());
    }
    return JSON.parse(text) as unknown;
  }

  /** Somebody else's organization invites the owner. */
  async function inviteOf(invited: Request): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const other = as(await clerk.token({ sub: "user_other", iat: now, nbf: now, exp: now + 3600 }));
    const { id } = (await other("POST", "/tenants", { body: { name: "Other" } })).body.data;
    await invited("GET", "/tenants");
    const body = { email: site.demo.staff.email, role: "member" };
    const answer = await other("POST", `/tenants/${id}/invite`, { body });
    return (answer.body.data as unknown as { token: string }).token;
  }

  function contentOf(method: string, at: string): Content {
    const path = at.replace(/:(\w+)/g, "{$1}");
    return site.document.paths[path]?.[method.toLowerCase()]?.requestBody?.content ?? {};
  }

  async function addressOf(route: WholeRoute): Promise<string> {
    const { path, example } = route;
    const params: Params = {};
    for (const [name, { subject }] of Object.entries(example.ids ?? {})) {
      params[name] = await subject(callerOf(route, true), params);
    }
    return path.replace(/:(\w+)/g, (name, param: string) => params[param] ?? name);
  }

  /** What has a password in it is not rehearsed: somebody whose password that is sends it. */
  async function signedInWith(example: unknown, { isPublic }: WholeRoute): Promise<Request> {
    if (isPublic) return stranger;
    if (caller) return caller;
    const { password, currentPassword } = example as {
      password?: string;
      currentPassword?: string;
    };
    return as((await newAccount(currentPassword ?? password)).sessionToken);
  }

  /**
   * The owner, but where only a key is taken; what a route needs is made by a key where that may. Who wrote
   * a comment changes it.
   */
  function callerOf({ title, callers = DEFAULT_CALLERS }: WholeRoute, makes = false): Request {
    const isMade = makes && !/^PATCH .*comments/.test(title);
    const isForKey = callers.includes("api_key") && (isMade || !callers.includes("user"));
    return isForKey ? site.request : owner;
  }

  const PREPARED: Record<string, () => Promise<unknown>> = {
    "POST /auth/login": async () => {
      const { example } = contentOf("POST", "/auth/login")["application/json"] ?? {};
      const { email, password } = example as { email: string; password: string };
      return await newAccount(password, email);
    },
    // A person pushes from a device that is theirs: the one of the example of activating.
    "POST /sync/push": async () => {
      const { example } = contentOf("POST", "/tenants/:id/activate")["application/json"] ?? {};
      return await owner("POST", `/tenants/${site.demo.organizationId}/activate`, {
        body: example,
      });
    },
  };
  /** A message can be sent again once it has been sent. */
  /** A task whose timer runs; the dry runs leave it so. */
  let timed: Promise<{ id: string; projectId: string }> | undefined;
  const timedTask = async (): Promise<{ id: string; projectId: string }> => {
    const projectId = await aProject.subject(site.request);
    const body = { title: "Draft" };
    const { id } = (await site.request("POST", `/projects/${projectId}/tasks`, { body })).body.data;
    await site.request("POST", `/tasks/${id}/timer/start`);
    return { id, projectId };
  };

  const ADDRESSES: Record<string, () => Promise<string>> = {
    "POST /tasks/:id/timer/stop": async () => {
      const { id } = await (timed ??= timedTask());
      return `/tasks/${id}/timer/stop`;
    },
    "POST /projects/:id/tasks/:taskId/timer/stop": async () => {
      const { id, projectId } = await (timed ??= timedTask());
      return `/projects/${projectId}/tasks/${id}/timer/stop`;
    },
    "POST /notifications/:id/resend": async () => {
      const ask = (): Promise<Answer> => site.request("GET", `/notifications/${queued}`);
      await eventually(ask, ({ body }) => body.data.status === "sent", 50_000);
      return `/notifications/${queued}/resend`;
    },
  };

  test.each(titled(routes.filter(({ title }) => !WITHOUT_EXAMPLE.includes(title))))(
    "is answered 2xx as a dry run, or sent where nothing is rehearsed: %s",
    async (title, route) => {
      withApp = passkey = byPasskey = caller = null;
      await PREPARED[title]?.();
      const address = (await ADDRESSES[title]?.()) ?? (await addressOf(route));
      const content = Object.entries(contentOf(route.method, route.path));
      expect(content).not.toEqual([]);
      for (const [mediaType, { example }] of content) {
        const options: RequestOptions = route.raw
          ? { raw: String(example), headers: { "Content-Type": mediaType } }
          : { body: await filled(example) };
        const isRehearsed = !route.takesSecret;
        const sender = isRehearsed ? callerOf(route) : await signedInWith(example, route);
        const at = isRehearsed ? `${address}?dryRun=true` : address;
        const answer = await sender(route.method, at, options);
        if (![200, 201, 204].includes(answer.status)) throw new Error(answer.text);
        expect(answer.headers.get("Dry-Run")).toBe(isRehearsed ? "true" : null);
        expect(failuresIn(answer)).toEqual([]);
      }
    },
  );

  const incoming = incomingWebhooks.map((webhook) => ({ ...webhook, title: webhook.path }));

  test.each(titled(incoming))(
    "by a provider is taken, signed (there is no dry run for providers): %s",
    async (_title, { path, provider }) => {
      const { example } = contentOf("POST", path)["application/json"] ?? {};
      const [address, secret] = await addressAndSecret(path, provider);
      const signed = SIGNERS[provider]?.(await filled(example), secret);
      const answer = await site.request("POST", address, signed);
      expect([answer.status, answer.text]).toEqual([200, expect.stringContaining("received")]);
      const { data } = (await owner("GET", "/webhooks/incoming?status=unreadable")).body;
      expect(data).toEqual([]);
    },
  );

  /** The deployment's, or the organization's own, which the provider's example sets up. */
  async function addressAndSecret(path: string, provider: string): Promise<[string, string]> {
    if (!path.includes(":endpointKey")) return [path, SECRETS[provider] ?? ""];
    const setUp = `/organization/payment-providers/${provider}`;
    const body = contentOf("PUT", setUp)["application/json"]?.example as { webhookSecret: string };
    const { data } = (await owner("PUT", setUp, { body })).body;
    const { endpointKey } = data as unknown as { endpointKey: string };
    return [path.replace(":endpointKey", endpointKey), body.webhookSecret];
  }
});

const SIGNERS: Record<string, (event: unknown, secret: string) => RequestOptions> = {
  generic: (event, secret) => signedEvent(event, { secret }),
  stripe: (event, secret) => stripeEvent(event, { secret }),
  clerk: (event, secret) => signedEvent(event, { secret, prefix: "svix" }),
  resend: (event, secret) => signedEvent(event, { secret, prefix: "svix" }),
  whatsapp: (event, secret) => {
    const raw = JSON.stringify(event);
    const signature = createHmac("sha256", secret).update(raw).digest("hex");
    return { raw, headers: { "X-Hub-Signature-256": `sha256=${signature}` }, token: null };
  },
};

/** What a 2xx answer says was refused of its items, changes or rows. */
function failuresIn({ body }: Answer): unknown[] {
  // An answer without a body (204) has refused nothing.
  const whole = body as Answer["body"] | null;
  const data = whole?.data as unknown as { failed?: number; results?: { status: string }[] } | null;
  const results = data?.results ?? [];
  const refused = results.filter(({ status }) => status === "error" || status === "refused");
  return data?.failed ? [data] : refused;
}

/** A file that has come through its own address. */
async function uploaded(request: Request): Promise<{ attachmentId: string; storageId: string }> {
  const file = { fileName: "plan.pdf", contentType: "application/pdf", size: 3 };
  const { data } = (await request("POST", "/attachments/presign", { body: file })).body;
  type Permission = { attachmentId: string; uploadUrl: string; method: string; headers: object };
  const { attachmentId, uploadUrl, method, headers } = data as unknown as Permission;
  const sent = await fetch(uploadUrl, { method, headers: { ...headers }, body: "pdf" });
  const { storageId } = (await sent.json()) as { storageId: string };
  return { attachmentId, storageId };
}

/** One of a member of staff's own: that an invoice was paid. */
async function ownNotification(owner: Request, key: Request): Promise<string> {
  const invoice = await aSentInvoice.subject(key);
  await key("POST", `/invoices/${invoice}/pay`, { body: { paymentMethod: "card" } });
  const ask = (): Promise<Answer> => owner("GET", "/notifications?channel=in_app");
  const { body } = await eventually(ask, (answer) => answer.body.data.length > 0);
  return body.data[0]?.id ?? "";
}
