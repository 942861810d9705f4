"""kill -9 at every system call that writes: what is there afterwards is old or new, never half.

Each command that keeps something is killed at each of its writing calls (kill_at.c). Afterwards the
files are whole or absent, the same command works again, and what the killed one left is gone.
(`fix` has tests of its own, in test_fix.py.)

Exercises cmd_assess, cmd_answer, cmd_waive, cmd_import, cmd_sign, cmd_key and cmd_init (src/cli).
"""
import datetime
import json
import shutil

import pytest

from conftest import ROOT

NEXT_MONTH = datetime.date.today() + datetime.timedelta(days=30)
REPORT_FILES = {"assessment.dsse.json", "assessment.json", "openings.json", "past.json",
                "report.html"}
QUICK = ("assess", "--measure", "SSHD-01", "--save", "--quiet")


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


def leftovers(folder):
    """Temporary files (base/file.c) and hidden folders of reports (assess/reports.c)."""
    return [path for path in folder.rglob("*")
            if ".entente-" in path.name or (path.parent.name == "reports" and path.name[0] == ".")]


def check_whole(entente):
    """Every file under its own name is complete and says what it should."""
    data = entente.folder / "data"
    for run in (data / "reports").glob("[!.]*"):
        assert {path.name for path in run.iterdir()} == REPORT_FILES
        json.loads((run / "assessment.json").read_text())
        json.loads((run / "openings.json").read_text())
        assert (run / "report.html").read_text().rstrip().endswith("</html>")
        entente("verify", run / "assessment.dsse.json")
    if list((data / "keys").glob("[!.]*")):
        entente("key", "show")
    entente("journal", "verify")


class Killer:
    def __init__(self, entente, kill_at):
        self.entente, self.kill_at = entente, kill_at
        self.folder = entente.folder
        self.before = self.folder.with_name(self.folder.name + ".before")

    def __call__(self, arguments, check, again=None):
        """From what is in the folder now: check() after each kill, then `again` must work."""
        shutil.copytree(self.folder, self.before)

        def prepare():
            for path in self.folder.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            shutil.copytree(self.before, self.folder, dirs_exist_ok=True)

        def after(number):
            check_whole(self.entente)
            check()
            self.entente(*(again or arguments))
            assert not leftovers(self.folder), number

        total = self.kill_at.everywhere([self.kill_at.binary, *map(str, arguments)],
                                        self.entente.environment, prepare, after)
        check_whole(self.entente)
        return total


@pytest.fixture
def kill(entente, kill_at):
    killer = Killer(entente, kill_at)
    yield killer
    shutil.rmtree(killer.before, ignore_errors=True)


def test_the_first_assessment(entente, kill):
    """It makes the data folder and the key, too."""
    def check():
        assert len(list((entente.folder / "data" / "reports").glob("[!.]*"))) <= 1

    assert kill(QUICK, check) > 30


def test_a_later_assessment(entente, kill):
    entente("answer", "org.leavers", "--value", "no")
    entente(*QUICK)
    kept = contents(entente.folder / "data" / "reports")

    def check():
        now = contents(entente.folder / "data" / "reports")
        assert {path: now[path] for path in kept} == kept

    assert kill(QUICK, check) > 20


def test_sign(entente, kill):
    entente("key", "new", "--name", "example.org")
    (entente.folder / "letter.txt").write_text("We endorse.\n")
    target = entente.folder / "letter.txt.dsse.json"
    sign = ("sign", "letter.txt", "--quiet", "--output", target)
    entente(*sign)
    new, old = target.read_bytes(), b"the old file"  # Ed25519 always gives the same new one
    target.write_bytes(old)
    seen = []

    def check():
        seen.append(target.read_bytes())
        assert seen[-1] in (old, new)

    kill(sign, check)
    assert {old, new} == set(seen)


def test_init(entente, kill):
    init = ("init", "--name", "Example", "--group", "state", "--domain", "example.org")
    entente(*init, "--profile", "reference.yaml")
    wanted = (entente.folder / "reference.yaml").read_bytes()
    shutil.rmtree(entente.folder / "data")
    target = entente.folder / "entente.yaml"

    def check():
        assert not target.exists() or target.read_bytes() == wanted

    kill(init, check, again=(*init, "--force"))
    assert target.read_bytes() == wanted


def test_key_new(entente, kill):
    """A key is there or not; the next key is made, or the one that is there is kept."""
    path = entente.folder / "data" / "keys" / "default.key"

    def check():
        if path.exists():
            key = path.read_bytes()
            entente("key", "new", status=2)
            assert path.read_bytes() == key
            path.unlink()

    assert kill(("key", "new", "--name", "example.org"), check) > 5


@pytest.mark.parametrize("arguments", [
    ("answer", "org.leavers", "--value", "yes", "--note", "by the list"),
    ("waive", "SSHD-01", "--reason", "vendor", "--until", NEXT_MONTH),
    ("import", ROOT / "tests" / "vectors" / "import" / "lynis-report.dat"),
], ids=lambda arguments: arguments[0])
@pytest.mark.parametrize("earlier", [False, True], ids=["first", "later"])
def test_journal_entries(entente, kill, arguments, earlier):
    """The journal holds the new entry or not, and all older ones."""
    def bodies():
        lines = entente("journal", "list", "--format", "json").stdout.splitlines()
        return [json.loads(line)["body"] for line in lines]

    old = []
    if earlier:
        entente("answer", "org.incident-drill", "--value", "no")
        old = bodies()

    def check():
        now = bodies()
        assert now[:len(old)] == old and len(now) <= len(old) + 1

    assert kill(arguments, check) > 10
    assert len(bodies()) >= len(old) + 1
