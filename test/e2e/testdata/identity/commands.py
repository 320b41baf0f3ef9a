"""Runs commands of the openstack client one after the other in one process, as its start takes a second.

The first line of the output names all commands of identity. Each line of the input is a list of arguments, and each
further line of the output tells its exit code and what it printed; all of them are JSON.
"""
import contextlib
import importlib.metadata
import io
import json
import sys

from openstackclient import shell
from openstackclient.common.clientmanager import ClientManager
from osc_lib.clientmanager import ClientCache


def forget():
    """Lets the next command log in: the client keeps what it made for the process, whoever it was for."""
    for owner in ClientManager.__mro__:
        for kept in vars(owner).values():
            if isinstance(kept, ClientCache):
                kept._handle = None


commands = importlib.metadata.entry_points(group="openstack.identity.v3")
print(json.dumps(sorted({c.name.replace("_", " ") for c in commands})), flush=True)
for line in sys.stdin:
    forget()
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = shell.main(json.loads(line))
        except SystemExit as e:
            code = e.code
    if not isinstance(code, int):  # some commands return what they made
        code = 0
    print(json.dumps({"code": code, "out": out.getvalue(), "err": err.getvalue()}), flush=True)
