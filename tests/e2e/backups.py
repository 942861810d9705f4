"""A backup for tests: made by the real restic or borg, and named by a profile."""
import json
import os
import shutil
import subprocess
import time

import pytest

from test_schemas import check

TOOLS = ["restic", "borg"]
PASSWORD = "Correct-Horse-9"
PROFILE = """\
signatory:
  name: hospital
  group: state
  country: FR
  domain: hospital.example
assets:
  backups:
    - name: {name}
      tool: {tool}
      repository: {repository}
      password_file: {password}
      paths: [{source}]
      rpo: 26h
      rto: 4h
"""
ODD = [b"two\nlines", b"not \xff utf-8", "\u00e9\U0001f480".encode(), b" -x", b"pf:*?[a]"]


class Backup:
    """A source, a repository that the tool made, and the profile that names them."""

    def __init__(self, entente, tool, anchored=None):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
        self.entente, self.tool, self.folder, self.second = entente, tool, entente.folder, 0
        self.source, self.repository = self.folder / "source", self.folder / "repository"
        self.password = self.folder / "password"
        self.password.write_text(PASSWORD + "\n")
        self.source.mkdir()
        for number in range(6):
            (self.source / f"file{number}").write_bytes(os.urandom(2000) + b"\n")
        (self.source / "empty").touch()
        (self.source / "link").symlink_to("file1")
        os.link(self.source / "file2", self.source / "second name")
        for name in ODD:
            with open(os.fsencode(self.source) + b"/" + name, "wb") as file:
                file.write(b"odd " + name)
        self.environment = {
            **os.environ, "RESTIC_REPOSITORY": str(self.repository), "RESTIC_PASSWORD": PASSWORD, "BORG_REPO": str(self.repository),
            "BORG_PASSPHRASE": PASSWORD, "BORG_BASE_DIR": str(self.folder / "borg"), "RESTIC_CACHE_DIR": str(self.folder / "cache"),
            "LC_ALL": "C.UTF-8"}
        self.profile()
        self.begin()
        if anchored is None:
            entente("recover", "manifest")
        else:
            anchored(self)
        self.snapshot("one")

    def profile(self, **other):
        text = PROFILE.format(**{"tool": self.tool, "repository": self.repository, "password": self.password,
                                 "source": self.source, "name": "nightly", **other})
        (self.folder / "entente.yaml").write_text(text)

    def run(self, *arguments, good=(0,)):
        done = subprocess.run(list(map(str, arguments)), env=self.environment, capture_output=True, text=True, errors="replace")
        assert done.returncode in good, done.stderr
        return done

    def begin(self):
        """A new repository."""
        self.run(*(["restic", "init"] if self.tool == "restic" else ["borg", "init", "-e", "repokey"]))

    def snapshot(self, name):
        if self.tool == "restic":
            self.run("restic", "backup", self.source)
        else:
            # borg knows the second of a snapshot, no more: of two in one, none is the newer.
            while int(time.time()) == self.second:
                time.sleep(0.05)
            self.run("borg", "create", f"::{name}", self.source)
            self.second = int(time.time())

    def drill(self, *options, status=1):
        done = self.entente("recover", "drill", "--format", "json", *options, status=status, timeout=600)
        document = json.loads(done.stdout)
        assert check("recovery-drills", document) == []
        report, = document["drills"]
        report["by"] = {row["aspect"]: (row["verdict"], row.get("reason")) for row in report["aspects"]}
        return report

    def flip(self, part):
        """One bit of the largest file in a part of the store."""
        part = self.repository / part
        files = [part] if part.is_file() else [path for path in part.rglob("*") if path.is_file()]
        largest = max(files, key=lambda path: path.stat().st_size)
        data = bytearray(largest.read_bytes())
        data[len(data) // 2] ^= 0x10
        largest.chmod(0o600)
        largest.write_bytes(data)
