"""docs/rights/host.md: what the audit of a host keeps of people's data, and that it is no more."""
import json
import os

import pytest

# What stands in the tree about people, and must stand nowhere in what is kept or printed.
PRIVATE = {
    "a full name": "Marguerite Vauquelin",
    "a telephone number": "+33 1 99 00 12 34",
    "a password hash": "$6$saltsalt$5DwHkX0PqNrZ1vT7yLm3Ua",
    "a command somebody typed": "oncology-appointments",
    "a password in a history": "tr0ub4dor-und-3",
    "a private key": "b3BlbnNzaC1rZXktdjEAAAAABG5vbmVwcml2YXRl",
    "a letter": "Dear doctor, about the biopsy",
    "a line of a log": "from 203.0.113.77 port 50122 biopsy",
    "a message": "Subject: results of the biopsy",
    "a file name in a home": "biopsy-2026.odt",
    "a token of a cloud": "wJalrXUtnFEMIbPxRfiCYEXAMPLEKEYkk",
}


def write(root, path, text, mode=0o644):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)


@pytest.fixture
def inhabited(tmp_path):
    """A tree in which a person lives: name, password, history, keys, letters, mail, logs."""
    root = tmp_path / "tree"
    p = PRIVATE
    write(root, "etc/os-release", 'ID=debian\nVERSION_ID="12"\n')
    write(root, "etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"
          f"marguerite:x:1000:1000:{p['a full name']},,{p['a telephone number']}:"
          "/home/marguerite:/bin/bash\n")
    write(root, "etc/group", "root:x:0:\nsudo:x:27:marguerite\nmarguerite:x:1000:\n")
    write(root, "etc/shadow", f"root:*:20000:0:99999:7:::\n"
          f"marguerite:{p['a password hash']}:20000:0:99999:7:::\n", 0o640)
    home = "home/marguerite/"
    write(root, home + ".bash_history", f"firefox https://clinic.example/{p['a command somebody typed']}\n"
          f"mysql -u app -p{p['a password in a history']} patients\n", 0o644)
    write(root, home + ".ssh/authorized_keys", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGB7wgk1hGXh0i"
          f"Yz8aEQ2rGZyVAvmLZJSjsLI1sRG0kL laptop-7\n", 0o644)
    write(root, home + ".ssh/id_ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----\n"
          f"{p['a private key']}\n-----END OPENSSH PRIVATE KEY-----\n", 0o644)
    write(root, home + ".aws/credentials", "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n"
          f"aws_secret_access_key = {p['a token of a cloud']}\n", 0o644)
    write(root, home + p["a file name in a home"], p["a letter"], 0o644)
    write(root, "var/mail/marguerite", p["a message"] + "\n", 0o600)
    write(root, "var/log/auth.log", f"Nov 22 sshd: Accepted {p['a line of a log']}\n", 0o640)
    return root


def everything(entente):
    """All that an assessment leaves behind, by file name."""
    return {str(path): path.read_bytes()
            for path in (entente.folder / "data").rglob("*") if path.is_file()}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_nothing_private_is_kept(entente, inhabited, language):
    shown = entente("assess", "--root", inhabited, "--save", "--lang", language)
    kept = everything(entente)
    kept["standard output"] = shown.stdout.encode()
    kept["standard error"] = shown.stderr.encode()
    for form in ("sarif", "oscal", "html"):
        kept[form] = entente("assess", "--root", inhabited, "--format", form).stdout.encode()
    assert any(name.endswith("assessment.json") for name in kept)
    for what, text in PRIVATE.items():
        for name, content in kept.items():
            assert text.encode() not in content, f"{name} holds {what}"


def test_what_is_said_to_be_kept_is_kept(entente, inhabited):
    """The control: the audit did look there, and names the account and the place."""
    document = json.loads(entente("assess", "--root", inhabited, "--format", "json").stdout)
    lines = [line for finding in document["findings"] for line in finding["evidence"]]
    places = {line.get("path") for line in lines}
    assert "/home/marguerite/.bash_history" in places
    assert "/home/marguerite/.ssh/authorized_keys" in places
    assert any(line.get("key") == "marguerite" for line in lines), "the login name is kept"
    assert any("laptop-7" in line.get("found", "") for line in lines), "a key's comment is kept"
    secrets = [line for line in lines if line["type"] == "redacted"
               and line["path"].endswith(".bash_history")]
    assert secrets and secrets[0]["line"] == 2


def test_only_its_owner_reads_what_is_kept(entente, inhabited):
    entente("assess", "--root", inhabited, "--save")
    for path in (entente.folder / "data").rglob("*"):
        if path.is_dir():
            assert os.stat(path).st_mode & 0o077 == 0, f"{path} is open to others"


def test_nothing_of_people_is_published(entente, inhabited):
    """The signed statement is the only part meant for others."""
    entente("assess", "--root", inhabited, "--save")
    statement, = (entente.folder / "data").rglob("assessment.dsse.json")
    said = entente("verify", statement, "--format", "json").stdout
    assert "marguerite" not in statement.read_text() + said
