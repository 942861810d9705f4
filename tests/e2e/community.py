"""A community on loopback: an operator's node, members, the DNS that shows whose a domain is."""
import json
import pathlib
import shutil
import subprocess
import urllib.request

from conftest import BINARY, Program
from ports import free_port
from waiting import PATIENCE, answered, until

ORIGIN = "call.example/2026"


def program(folder):
    folder.mkdir()
    made = Program(folder)
    made.environment["ENTENTE_ALLOW_PRIVATE"] = "1"
    made.data = folder / "data"
    return made


def member(folder, name, domain, group="state"):
    made = program(folder)
    (folder / "entente.yaml").write_text(
        f"signatory:\n  name: {name}\n  group: {group}\n  country: FR\n  domain: {domain}\n")
    return made


def published(member, *arguments):
    """What `publish` says once the entry is in the log: one that comes late is a promise at first."""
    def said():
        done = member("publish", *arguments, "--format", "json", status=None)
        answer = json.loads(done.stdout) if done.returncode == 0 else {}
        return answer if answer.get("status") == "included" else None

    return until(said, what="the entry")


class Names:
    """Knot DNS with one zone, "example.", whose TXT records a test sets."""

    def __init__(self, folder):
        self.folder, self.port, self.records = folder, free_port(), {}
        folder.mkdir()
        self.zone = folder / "example.zone"
        self.configuration = folder / "knot.conf"
        self.configuration.write_text(
            f"server:\n    rundir: {folder}\n    listen: 127.0.0.1@{self.port}\n"
            f"database:\n    storage: {folder}\n"
            f"zone:\n  - domain: example.\n    file: {self.zone}\n    storage: {folder}\n")
        self.serial = 0
        self.process = None
        self.write()
        knotd = shutil.which("knotd") or "/usr/sbin/knotd"
        self.process = subprocess.Popen([knotd, "-c", self.configuration],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.address = f"127.0.0.1@{self.port}"
        self.reload()  # who is asked and does not answer yet may not be asked again soon

    def write(self):
        self.serial += 1
        # Nothing is kept: what was not there a moment ago is asked for again.
        lines = [f"$ORIGIN example.\n$TTL 0\n@ SOA ns hostmaster {self.serial} 3600 900 604800 0\n",
                 "@ NS ns\nns A 127.0.0.1\n"]
        lines += [f"{name}. TXT \"{text}\"\n" for name, text in self.records.items()]
        made = self.zone.with_suffix(".new")
        made.write_text("".join(lines))
        made.replace(self.zone)  # it may be reading it

    def show(self, domain, identity):
        """_entente.DOMAIN TXT "entente=ID"; answers come from it when this returns."""
        self.records[f"_entente.{domain}"] = f"entente={identity}"
        self.write()
        self.reload()

    def reload(self):
        """Waits until answers come from the zone's file as it is."""
        knotc = shutil.which("knotc") or "/usr/sbin/knotc"
        until(lambda: subprocess.run(
            [knotc, "-b", "-c", self.configuration, "zone-reload", "example."],
            capture_output=True).returncode == 0, what="the zone")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)


def unleaked(environment):
    """The leak detector stops the world by ptrace, which a confined node may not."""
    return {**environment,
            "ASAN_OPTIONS": environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


class Node:
    """`entente serve` over a data folder."""

    def __init__(self, owner, names=None, port=None, options=()):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        arguments = ["serve", "--listen", f"127.0.0.1:{self.port}", "--allow-private", *options]
        if names:
            arguments += ["--dns-server", names.address, "--trust-anchor", "none"]
        self.errors = open(pathlib.Path(owner.folder) / "serve.err", "ab")
        self.process = subprocess.Popen([BINARY, *map(str, arguments)], cwd=owner.folder,
                                        env=unleaked(owner.environment), stdout=subprocess.DEVNULL,
                                        stderr=self.errors)
        answered(lambda: urllib.request.urlopen(self.url + "/healthz", timeout=PATIENCE).read(),
                 process=self.process,
                 said=lambda: (pathlib.Path(owner.folder) / "serve.err").read_text())

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
            return json.load(answer)

    def size(self):
        with urllib.request.urlopen(self.url + "/checkpoint", timeout=PATIENCE) as answer:
            return int(answer.read().decode().split("\n")[1])

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        assert self.process.wait(timeout=PATIENCE) == 0
        self.errors.close()
