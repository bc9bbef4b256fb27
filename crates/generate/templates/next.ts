
/** What Next.js gives a route handler beside the request. */
type Handler<Context> = (request: Request, identity: Identity, context: Context) => Response | Promise<Response>;

/** A route handler for whoever is identified: `export const GET = withIdentity(async (request, identity) => ...)`. */
export function withIdentity<Context>(handler: Handler<Context>) {
  return async (request: Request, context: Context): Promise<Response> => {
    const identity = await identityOrRefusal(request);
    return identity instanceof Response ? identity : handler(request, identity, context);
  };
}

/** The identity of a request, or what to answer without one. */
export async function identityOrRefusal(request: Request): Promise<Identity | Response> {
  try {
    // A repeated header arrives as one text with a comma in it, which is no token.
    return await identify(request.headers.get("gabion-identity"));
  } catch (error) {
    const status = error instanceof NotIdentified ? error.status : 503;
    const title = status === 401 ? "Unauthorized" : "Service Unavailable";
    return new Response(JSON.stringify({ type: "about:blank", title, status }), {
      status,
      headers: { "cache-control": "no-store", "content-type": "application/problem+json" },
    });
  }
}
