//// pattern
/** ECMA-262, found anywhere in the text. */
function pattern(source: string): RegExp {
  try {
    return new RegExp(source, "u");
  } catch {
    return new RegExp(source);
  }
}

//// text
type Rule = {
  readonly min?: number;
  readonly max?: number;
  readonly patterns?: readonly RegExp[];
  readonly formats?: readonly ((value: string) => boolean)[];
};

/** Counted in characters, not in UTF-16 units. A text that is too long is not searched for patterns. */
function text(rule: Rule) {
  return z.string().superRefine((value, context) => {
    const refuse = (message: string): void => context.addIssue({ code: "custom", message });
    const { min = 0, max = Infinity } = rule;
    const length = value.length > 2 * max ? value.length : [...value].length;
    if (length < min) return refuse(`fewer than ${min} characters`);
    if (length > max) return refuse(`more than ${max} characters`);
    if (rule.formats?.some((holds) => !holds(value))) return refuse("not in the format");
    if (rule.patterns?.some((wanted) => !wanted.test(value))) return refuse("not of the pattern");
  });
}

//// date
/** RFC 3339 §5.6 */
function isDate(value: string): boolean {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value);
  if (!parts) return false;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return days !== undefined && day >= 1 && day <= days;
}

//// time
/** RFC 3339 §5.6; a leap second is the last one of a day of UTC. */
function isTime(value: string): boolean {
  const parts = /^(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/.exec(value);
  if (!parts) return false;
  const [hour, minute, second] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const [offsetHour, offsetMinute] = [Number(parts[5] ?? 0), Number(parts[6] ?? 0)];
  if (hour > 23 || minute > 59 || offsetHour > 23 || offsetMinute > 59) return false;
  const offset = (parts[4] === "-" ? -1 : 1) * (offsetHour * 60 + offsetMinute);
  const utc = (hour * 60 + minute - offset + 2880) % 1440;
  return second < 60 || (second === 60 && utc === 1439);
}

//// date-time
/** RFC 3339 §5.6 */
function isDateTime(value: string): boolean {
  return /^[Tt]$/.test(value.charAt(10)) && isDate(value.slice(0, 10)) && isTime(value.slice(11));
}

//// hostname
/** RFC 1123 §2.1 */
function isHostname(value: string): boolean {
  const label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
  return value.length <= 253 && new RegExp(`^${label}(?:\\.${label})*$`).test(value);
}

//// email
/** RFC 5321 §4.1.2 without quoted local parts and address literals. */
function isEmail(value: string): boolean {
  const at = value.lastIndexOf("@");
  const local = value.slice(0, Math.max(at, 0));
  const atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
  return local.length <= 64 && new RegExp(`^${atom}(?:\\.${atom})*$`).test(local) && isHostname(value.slice(at + 1));
}

//// ipv4
/** RFC 2673 §3.2 */
function isIpv4(value: string): boolean {
  return /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(value);
}

//// ipv6
/** RFC 4291 §2.2 */
function isIpv6(value: string): boolean {
  return z.ipv6().safeParse(value).success;
}

//// uuid
/** RFC 9562 §4, of any version. */
function isUuid(value: string): boolean {
  return /^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/.test(value);
}

//// uri-reference
/** RFC 3986: its characters, and one fragment. */
function isUriReference(value: string): boolean {
  return /^(?:[A-Za-z0-9._~:/?[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*(?:#(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?$/.test(value);
}

//// uri
/** RFC 3986 §3 */
function isUri(value: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:/.test(value) && isUriReference(value);
}

//// byte
/** RFC 4648 §4 */
function isBase64(value: string): boolean {
  return value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value);
}

//// unique
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return String(JSON.stringify(value));
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`);
  return `{${members.sort().join(",")}}`;
}

function unique(values: readonly unknown[]): boolean {
  return new Set(values.map(canonical)).size === values.length;
}

//// members
function members(min: number, max: number) {
  return (value: object): boolean => Object.keys(value).length >= min && Object.keys(value).length <= max;
}

//// number
/** A number as the text of a parameter. */
const numeric = z.string().regex(/^-?(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,40})?$/).transform(Number);

//// boolean
/** A truth value as the text of a parameter. */
const truth = z.enum(["true", "false"]).transform((value) => value === "true");

//// list
/** Several values of a parameter: in one text between separators, or one in each occurrence. */
function list<T extends z.ZodType>(items: T, separator?: string) {
  return z.preprocess((value) => {
    if (value === undefined) return value;
    if (separator === undefined) return Array.isArray(value) ? value : [value];
    return typeof value === "string" ? value.split(separator) : value;
  }, items);
}
