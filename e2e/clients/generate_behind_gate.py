"""What was generated for FastAPI, as an application behind a gate that runs: `FOLDER PORT`.

`/me` tells who is calling, `/raw` what came in the header; `/later` lets an hour go by.
"""

import datetime
import sys

import jwt.api_jwt
import uvicorn
from fastapi import FastAPI, Request

folder, port = sys.argv[1:]
sys.path.insert(0, folder)
import gabion_identity as verifier  # noqa: E402

hours = 0


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.now(tz) + datetime.timedelta(hours=hours)


jwt.api_jwt.datetime = Clock
application = FastAPI()


@application.get("/raw")
def raw(request: Request) -> str | None:
    return request.headers.get("gabion-identity")


@application.get("/later")
def later() -> int:
    global hours
    hours += 1
    return hours


@application.get("/me")
@application.get("/other/me")
def me(identity: verifier.CurrentIdentity) -> dict[str, object]:
    return {"subject": identity.subject, "name": identity.name, "roles": identity.roles}


uvicorn.run(application, host="127.0.0.1", port=int(port), log_level="warning")
