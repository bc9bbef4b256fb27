"""How the password of each account is stored: name and scheme as JSON."""

import json
import sqlite3
import sys

rows = sqlite3.connect(sys.argv[1]).execute("SELECT name, password FROM accounts")
print(json.dumps({name: password for name, password in rows}))
