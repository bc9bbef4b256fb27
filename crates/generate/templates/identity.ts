import { createRemoteJWKSet, errors, jwtVerify } from "jose";

/** Who is calling, as the gate says. */
export interface Identity {
  /** The account. */
  readonly subject: string;
  readonly name: string;
  readonly tenant: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  /** By what it was shown. */
  readonly credential: string;
  /** What a program may do; nothing for people. */
  readonly scopes: readonly string[];
  /** The OAuth client that acts. */
  readonly client: string | undefined;
  /** When the person behind it signed in (seconds since 1970), and how strongly. */
  readonly authenticated: number | undefined;
  readonly acr: string | undefined;
}

export const ISSUER = {{issuer}};
export const AUDIENCE = {{audience}};
export const KEYS = {{keys}};

/** Fetched when a token names a key that is not known, at most every 30 seconds, and every ten minutes. */
const keys = createRemoteJWKSet(new URL(KEYS), { cooldownDuration: 30_000, cacheMaxAge: 600_000, timeoutDuration: 5_000 });

/** There is no identity that can be believed: answer with `status`. */
export class NotIdentified extends Error {
  constructor(readonly status: 401 | 503) {
    super(status === 401 ? "no valid identity" : "the keys cannot be had");
  }
}

/**
 * Verifies the value of `Gabion-Identity`.
 *
 * @throws NotIdentified for whatever is wrong with it, and when the gate's keys cannot be had.
 */
export async function identify(token: string | null | undefined): Promise<Identity> {
  if (!token || token.length > 16_384) throw new NotIdentified(401);
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ["ES256"],
      typ: "gabion-identity+jwt",
      issuer: ISSUER,
      audience: AUDIENCE,
      requiredClaims: ["sub", "iat", "exp"],
      maxTokenAge: "1h",
      clockTolerance: "5s",
    });
    return {
      subject: text(payload.sub),
      name: text(payload["name"]),
      tenant: text(payload["tenant"]),
      roles: texts(payload["roles"]),
      groups: texts(payload["groups"] ?? []),
      credential: text(payload["credential"]),
      scopes: text(payload["scope"] ?? "").split(" ").filter((scope) => scope !== ""),
      client: optional(payload["client_id"], text),
      authenticated: optional(payload["auth_time"], whole),
      acr: optional(payload["acr"], text),
    };
  } catch (error) {
    const ofToken = error instanceof errors.JOSEError ? !OF_KEYS.has(error.code) : error instanceof Malformed;
    throw new NotIdentified(ofToken ? 401 : 503);
  }
}

/** What jose calls it when the keys cannot be had; everything else it throws is about the token. */
const OF_KEYS: ReadonlySet<string> = new Set(["ERR_JOSE_GENERIC", "ERR_JWKS_INVALID", "ERR_JWKS_TIMEOUT"]);

class Malformed extends Error {}

function text(value: unknown): string {
  if (typeof value !== "string") throw new Malformed();
  return value;
}

function texts(value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw new Malformed();
  return value.map(text);
}

function whole(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw new Malformed();
  return value;
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value);
}
