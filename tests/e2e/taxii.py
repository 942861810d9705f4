"""Nodes that share indicators by TAXII 2.1, and objects to share."""
import base64
import hashlib
import json
import subprocess
import threading
import time
import uuid

from conftest import BINARY
from nodes import Node
from waiting import PATIENCE, until

MEDIA = "application/taxii+json;version=2.1"
ROOT = "/taxii2/intel/"
SPACE = uuid.UUID("3e1b8b35-8f0f-4a2c-9d0c-60f4b9c8f6a1")
CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"

CONFIG = """\
title: Indicators of Example CERT
description: What our members may hunt for
contact: soc@cert.example
max_content_length: 4194304
collections:
  - alias: shared
    title: Shared with members
    read: [member, soc]
    write: [soc, partner]
    named: [soc]
  - alias: open
    title: For everybody
    public: {public}
    tlp: clear
    read: [member]
    write: [soc]
  - alias: own
    title: Our own
    read: [soc]
    write: [soc]
readers:
  - name: member
    token: sha256:{member}
  - name: partner
    token: sha256:{partner}
  - name: soc
    ceiling: red
    own: true
    token: sha256:{soc}
"""


def token_of(name):
    return f"token-of-{name}-0123456789"


def basic(name, token=None):
    pair = f"{name}:{token or token_of(name)}".encode()
    return "Basic " + base64.b64encode(pair).decode()


def uuid4(name):
    """The same for the same name, and of version 4."""
    raw = bytearray(hashlib.sha256(str(name).encode()).digest()[:16])
    return str(uuid.UUID(bytes=bytes(raw), version=4))


def indicator(name, modified="2026-11-01T00:00:00.000Z", marking=None, **members):
    return {"type": "indicator", "spec_version": "2.1", "id": "indicator--" + uuid4(name),
            "created": "2026-11-01T00:00:00.000Z", "modified": modified,
            "pattern": f"[domain-name:value = '{name}.example']", "pattern_type": "stix",
            "valid_from": "2026-11-01T00:00:00Z",
            **({"object_marking_refs": [marking]} if marking else {}), **members}


def pulled(folder):
    """All objects in a folder, as (id, version), in the order of the files."""
    return [(o["id"], o["modified"]) for file in sorted(folder.glob("taxii-*.json"))
            for o in json.loads(file.read_text())["objects"]]


def pull_and_kill(entente, command, begun, first=0.1):
    """
    Runs a pull again and again until it ends; how often it was killed. The first one is killed as
    soon as begun() sees something of its work; each of the others is given more time.
    """
    command, kills, seconds = list(map(str, command)), 0, first
    end = time.monotonic() + 10 * PATIENCE
    while time.monotonic() < end:
        process = subprocess.Popen([BINARY, *command], env=entente.environment, cwd=entente.folder)
        try:
            while not kills and not begun() and process.poll() is None:
                time.sleep(0.001)
            assert process.wait(seconds if kills else 0) == 0
            return kills
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
            seconds *= 1.2
    raise AssertionError("the pull does not end")


class Arriving(threading.Thread):
    """New objects, some at a time, by `post(objects)`, until they are told to stop."""

    def __init__(self, post, most=2000, some=20):
        super().__init__()
        self.post, self.most, self.some = post, most, some
        self.ended, self.objects, self.failure = threading.Event(), [], None

    def run(self):
        try:
            while not self.ended.is_set() and len(self.objects) < self.most:
                more = [indicator(f"late-{self.name}-{len(self.objects) + i}")
                        for i in range(self.some)]
                self.post(more)
                self.objects += more
                time.sleep(0.05)
        except Exception as failure:  # said by the thread that waits
            self.failure = failure

    def __enter__(self):
        self.start()
        until(lambda: self.objects or self.failure, what="the first arrival")
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()
        assert self.failure is None, self.failure


class Taxii(Node):
    """A node with the collections above."""

    def __init__(self, folder, *options, public="false", port=None):
        data = folder / "node"
        data.mkdir(exist_ok=True)
        config = folder / "intel.yaml"
        config.write_text(CONFIG.format(public=public, **{
            name: hashlib.sha256(token_of(name).encode()).hexdigest()
            for name in ("member", "partner", "soc")}))
        super().__init__(data, "--intel", config, *options, port=port)

    def ask(self, path, who="soc", method="GET", body=None, **headers):
        """Status, headers, and the body as JSON (None: empty)."""
        sent = {"Accept": MEDIA}
        if who:
            sent["Authorization"] = basic(who)
        if body is not None:
            sent["Content-Type"] = MEDIA
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        sent = {name: value for name, value in sent.items() if value is not None}
        status, answered, text = self.request(method, path, body, sent)
        return status, answered, json.loads(text) if text else None

    def post(self, objects, collection="shared", who="soc"):
        status, _, answer = self.ask(f"{ROOT}collections/{collection}/objects/", who, "POST",
                                     {"objects": objects})
        assert status == 202, answer
        return answer
