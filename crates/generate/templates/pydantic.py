#### given
def _given(value: Any) -> Any:
    """A member may be left out; `null` is something else."""
    if value is None:
        raise ValueError("null is not allowed")
    return value


#### never
def _never(value: Any) -> Any:
    raise ValueError("not allowed here")


#### whole
def _whole(value: Any) -> Any:
    """2.0 is an integer (JSON Schema Core §4.2.3), `true` is none."""
    if type(value) is float and value.is_integer():
        return int(value)
    return value


#### exactly
def _exactly(*values: object) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        for wanted in values:
            numbers = {type(wanted), type(value)} <= {int, float}
            if value == wanted and (numbers or type(value) is type(wanted)):
                return wanted
        raise ValueError("not one of the values")

    return check


#### multiple
def _multiple_of(divisor: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        with localcontext() as context:
            context.prec = 400
            if Decimal(str(value)) % Decimal(divisor) != 0:
                raise ValueError("not a multiple")
        return value

    return check


#### unique
def _canonical(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(sorted(f"{json.dumps(name)}:{_canonical(value[name])}" for name in value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_canonical(item) for item in value) + "]"
    return json.dumps(int(value) if type(value) is float and value.is_integer() else value)


def _unique(value: Any) -> Any:
    if isinstance(value, list) and len({_canonical(item) for item in value}) != len(value):
        raise ValueError("items repeat")
    return value


#### members
def _members(value: Any, least: int, most: int | None) -> Any:
    if isinstance(value, dict) and (len(value) < least or (most is not None and len(value) > most)):
        raise ValueError("too few or too many members")
    return value


#### date
def _date(value: str) -> str:
    """RFC 3339 §5.6"""
    parts = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", value)
    if parts is None:
        raise ValueError("not a date")
    year, month, day = (int(part) for part in parts.groups())
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    if not (1 <= month <= 12 and 1 <= day <= days[month - 1]):
        raise ValueError("not a date")
    return value


#### time
def _time(value: str) -> str:
    """RFC 3339 §5.6; a leap second is the last one of a day of UTC."""
    form = r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
    parts = re.fullmatch(form, value)
    if parts is None:
        raise ValueError("not a time")
    hour, minute, second = (int(parts[index]) for index in (1, 2, 3))
    offset_hour, offset_minute = (int(parts[index] or 0) for index in (5, 6))
    if hour > 23 or minute > 59 or offset_hour > 23 or offset_minute > 59:
        raise ValueError("not a time")
    offset = (-1 if parts[4] == "-" else 1) * (offset_hour * 60 + offset_minute)
    if second > 60 or (second == 60 and (hour * 60 + minute - offset) % 1440 != 1439):
        raise ValueError("not a time")
    return value


#### date-time
def _date_time(value: str) -> str:
    """RFC 3339 §5.6"""
    if value[10:11] not in ("T", "t"):
        raise ValueError("not a date and time")
    _date(value[:10])
    _time(value[11:])
    return value


#### hostname
def _hostname(value: str) -> str:
    """RFC 1123 §2.1"""
    label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    if len(value) > 253 or re.fullmatch(rf"{label}(?:\.{label})*", value) is None:
        raise ValueError("not a host name")
    return value


#### email
def _email(value: str) -> str:
    """RFC 5321 §4.1.2 without quoted local parts and address literals."""
    local, _, host = value.rpartition("@")
    atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
    if len(local) > 64 or re.fullmatch(rf"{atom}(?:\.{atom})*", local) is None:
        raise ValueError("not an email address")
    _hostname(host)
    return value


#### ipv4
def _ipv4(value: str) -> str:
    """RFC 2673 §3.2"""
    part = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
    if re.fullmatch(rf"{part}(?:\.{part}){{3}}", value) is None:
        raise ValueError("not an IPv4 address")
    return value


#### ipv6
def _ipv6(value: str) -> str:
    """RFC 4291 §2.2"""
    if "%" in value:
        raise ValueError("not an IPv6 address")
    ipaddress.IPv6Address(value)
    return value


#### uuid
def _uuid(value: str) -> str:
    """RFC 9562 §4, of any version."""
    if re.fullmatch(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", value) is None:
        raise ValueError("not a UUID")
    return value


#### uri-reference
def _uri_reference(value: str) -> str:
    """RFC 3986: its characters, and one fragment."""
    form = (
        r"(?:[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
        r"(?:#(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?"
    )
    if re.fullmatch(form, value) is None:
        raise ValueError("not a URI reference")
    return value


#### uri
def _uri(value: str) -> str:
    """RFC 3986 §3"""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", value) is None:
        raise ValueError("not a URI")
    return _uri_reference(value)


#### byte
def _base64(value: str) -> str:
    """RFC 4648 §4"""
    if len(value) % 4 != 0 or re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", value) is None:
        raise ValueError("not base64")
    return value


#### number
def _number(value: Any) -> Any:
    """A number as the text of a parameter."""
    if not isinstance(value, str) or re.fullmatch(r"-?(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,40})?", value) is None:
        raise ValueError("not a number")
    return float(value) if "." in value else int(value)


#### boolean
def _truth(value: Any) -> Any:
    """A truth value as the text of a parameter."""
    if value not in ("true", "false"):
        raise ValueError("neither true nor false")
    return value == "true"


#### list
def _list(separator: str | None) -> Callable[[Any], Any]:
    """Several values of a parameter: in one text between separators, or one in each occurrence."""

    def split(value: Any) -> Any:
        if separator is None:
            return value if isinstance(value, list) else [value]
        return value.split(separator) if isinstance(value, str) else value

    return split
