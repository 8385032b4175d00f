import { google } from "./google";
import { microsoft } from "./microsoft";
import type { OAuthProvider, ProviderName } from "./provider";

const PROVIDERS: Readonly<Record<ProviderName, OAuthProvider>> = { microsoft, google };

export function providerOf(name: ProviderName): OAuthProvider {
  return PROVIDERS[name];
}

/** The provider of this name in a path, or null. */
export function providerNamed(name: string): OAuthProvider | null {
  return Object.values(PROVIDERS).find((provider) => provider.name === name) ?? null;
}
