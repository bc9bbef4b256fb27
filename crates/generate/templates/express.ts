
import type { NextFunction, Request, Response } from "express";

const identities = new WeakMap<Request, Identity>();

/** Goes before every route: `app.use(requireIdentity)`. Whoever is not identified goes no further. */
export async function requireIdentity(request: Request, response: Response, next: NextFunction): Promise<void> {
  try {
    // A repeated header arrives as one text with a comma in it, which is no token.
    identities.set(request, await identify(request.get("gabion-identity")));
  } catch (error) {
    const status = error instanceof NotIdentified ? error.status : 503;
    const title = status === 401 ? "Unauthorized" : "Service Unavailable";
    response.status(status).set("cache-control", "no-store").type("application/problem+json");
    response.send(JSON.stringify({ type: "about:blank", title, status }));
    return;
  }
  next();
}

/** Who is calling. Throws where `requireIdentity` does not stand before the route. */
export function identityOf(request: Request): Identity {
  const identity = identities.get(request);
  if (!identity) throw new Error("requireIdentity does not stand before this route");
  return identity;
}
