/** A fetch client that knows every path, parameter, body and answer of the API. */
import createClient, { type Client, type Middleware } from "openapi-fetch";

import type { components, paths } from "./schema.js";

export type { components, paths };
export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];

export interface Options {
  baseUrl: string;
  /** Asked before each request: an access token lives for ten minutes only. */
  accessToken?: () => string | undefined;
  /** What texts come in. */
  language?: "th" | "en";
}

export function csms({ baseUrl, accessToken, language = "th" }: Options): Client<paths> {
  const client = createClient<paths>({ baseUrl, headers: { "Accept-Language": language } });
  const signIn: Middleware = {
    onRequest({ request }) {
      const token = accessToken?.();
      if (token !== undefined) request.headers.set("Authorization", `Bearer ${token}`);
      return request;
    },
  };
  client.use(signIn);
  return client;
}

/** How long to wait after a 429 or 503, in seconds. */
export function retryAfter(response: Response): number {
  const seconds = Number(response.headers.get("Retry-After"));
  return Number.isFinite(seconds) && seconds > 0 ? seconds : 1;
}
