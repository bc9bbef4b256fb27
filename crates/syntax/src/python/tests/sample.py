"""A service as people write them."""
import os.path
from typing import Annotated, TYPE_CHECKING

from fastapi import Depends, FastAPI

if TYPE_CHECKING:
    from .models import User

app = FastAPI()


class Item(Base, table=True):
    id: int | None = None
    name: Annotated["str", Field(max_length=20)] = ""

    def __init__(self, *, name: str = "x", **rest):
        super().__init__(**rest)
        self.name, *self.others = name.split(",")

    @property
    def path(self) -> "Optional[str]":
        return f"{self.id!r:>{10}}/{self.name}" if 0 < self.id < 10 else None


@app.get("/items/{id}")
async def show(id: int, user: Annotated[User, Depends(current)], q: str = ""):
    async with session() as db, lock:
        rows = [row async for row in db.all(id) if row.owner == user.id and row]
    for row in rows:
        if row.name == q:
            break
    else:
        raise HTTPException(404) from None
    match row:
        case {"kind": "a" | "b" as kind, **rest}:
            return {"kind": kind, **rest}
        case Item(id=int(n)) if n > 3:
            yield n
    try:
        total = sum(map(lambda r, k=1: r.size * k, rows))
    except (KeyError, ValueError) as error:
        log.warning("no %s" % error, extra={"ä": b"\x00"})
    finally:
        del rows
    return os.path.join("a" "b", str(total))[1:-1]
