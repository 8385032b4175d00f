/**
 * The script of the pages that links of letters open: it reads the token behind the `#`, and sends it
 * when the person says so. Nothing is sent before, nothing is stored, and texts are set as text alone.
 * A page that is loaded again still has its token, until that is used.
 */
export const ACCOUNT_PAGE_SCRIPT = `"use strict";
const at = (id) => document.getElementById(id);
const main = at("page");
const first = at("first");
const second = at("second");
const refused = at("refused");
let mfaToken = null;

const inPath = "/login/session/";
const tokenOf = () =>
  location.pathname.startsWith(inPath)
    ? location.pathname.slice(inPath.length)
    : new URLSearchParams(location.hash.slice(1)).get("token");

function show(shown) {
  for (const each of [first, second, at("missing")]) {
    if (each) each.hidden = each !== shown;
  }
}

function begin() {
  const isMissing = !tokenOf();
  at("done").hidden = true;
  refuse([]);
  show(isMissing ? at("missing") : first);
}

function refuse(lines) {
  refused.replaceChildren(
    ...lines.map(([text, lang]) => {
      const line = document.createElement("p");
      line.textContent = text;
      if (lang) line.lang = lang;
      return line;
    }),
  );
  refused.hidden = lines.length === 0;
}

function linesOf(error) {
  const said = [[main.dataset.refused], [error.message, "en"]];
  const details = Array.isArray(error.details) ? error.details : [];
  if (details.length > 1) {
    for (const { message } of details) if (typeof message === "string") said.push([message, "en"]);
  }
  if (error.code === "GONE") said.push([main.dataset.gone]);
  return said;
}

async function send(form, path, body) {
  const button = form.querySelector("button");
  const label = button.textContent;
  button.disabled = true;
  button.textContent = main.dataset.busy;
  refuse([]);
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      referrerPolicy: "no-referrer",
    });
    const answer = response.status === 204 ? {} : await response.json();
    if (response.ok) return answer;
    const error = answer.error ?? { message: "HTTP " + response.status };
    refuse(linesOf(error));
    if (error.code === "GONE") show(null);
  } catch {
    refuse([[main.dataset.unreachable]]);
  } finally {
    button.disabled = false;
    button.textContent = label;
  }
  return null;
}

function finish() {
  show(null);
  // Used up: neither the history nor who looks over the shoulder needs it any more.
  history.replaceState(null, "", location.pathname);
  at("done").hidden = false;
  at("done").focus();
}

first.addEventListener("submit", async (event) => {
  event.preventDefault();
  const password = at("password");
  const body = { token: tokenOf(), ...(password ? { password: password.value } : {}) };
  const answer = await send(first, main.dataset.path, body);
  if (!answer) return;
  if (!answer.mfaRequired) return finish();
  const methods = Array.isArray(answer.methods) ? answer.methods : [];
  if (!methods.includes("totp") && !methods.includes("recovery_code")) {
    refuse([[main.dataset.onlyPasskey]]);
    return show(null);
  }
  mfaToken = answer.mfaToken;
  history.replaceState(null, "", location.pathname);
  show(second);
  at("code").focus();
});

if (second) {
  second.addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = at("code").value.trim();
    const digits = given.replaceAll(/\\s/g, "");
    const proof = /^\\d{6}$/.test(digits) ? { code: digits } : { recoveryCode: given };
    const path = main.dataset.secondPath;
    if (await send(second, path, { mfaToken, ...proof, cookie: true })) finish();
  });
}

const visible = at("visible");
if (visible) {
  visible.addEventListener("change", () => {
    at("password").type = visible.checked ? "text" : "password";
  });
}

addEventListener("hashchange", () => {
  if (location.hash) begin();
});
begin();
`;
