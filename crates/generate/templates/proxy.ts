import { identityOrRefusal } from "./gabion-identity.js";

/**
 * Refuses every request that nobody is identified by, pages too. A `proxy.ts` is asked before what it protects and is not
 * part of it: handlers that matter use `withIdentity` as well, so that none is reached when this is passed by. Up to
 * Next.js 15 the file is called `middleware.ts` and the function `middleware`.
 */
export async function proxy(request: Request): Promise<Response | undefined> {
  const identity = await identityOrRefusal(request);
  return identity instanceof Response ? identity : undefined;
}

/** Everything but the files of the build, which are the same for everybody. */
export const config = { matcher: ["/((?!_next/static/).*)"] };
