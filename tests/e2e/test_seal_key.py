"""entente key seal: the key that others seal to, made, shown, replaced, delegated (key_seal,
key_delegate)."""
import base64
import json
import os
import stat
import subprocess

import pytest
from test_register import MAKER, UNWITNESSED


def is_key(text):
    return text.startswith("x25519:") and len(base64.b64decode(text[7:], validate=True)) == 32


def test_it_is_made_once_and_replaced_on_request(entente, tmp_path):
    made = entente("key", "seal")
    text = made.stdout.strip()
    keys = tmp_path / "data/keys"
    assert is_key(text) and "back it up" in made.stderr
    again = entente("key", "seal")
    assert again.stdout.strip() == text and "back it up" not in again.stderr
    first = (keys / "seal.key").read_bytes()
    assert stat.S_IMODE(os.stat(keys / "seal.key").st_mode) == 0o600
    new = json.loads(entente("key", "seal", "rotate", "--format", "json").stdout)
    assert is_key(new["key"]) and new["key"] != text
    assert [len(group) for group in new["fingerprint"].split(" ")] == [4] * 8
    old = [path for path in keys.iterdir() if path.name.startswith("seal-")]
    assert [path.read_bytes() for path in old] == [first]
    shown = json.loads(entente("key", "show", "--format", "json").stdout)
    assert [row["key"] for row in shown if row["name"] == "seal"] == [new["key"], text]
    entente("key", "seal", "twice", status=2)


def test_there_is_nothing_to_replace_before_it_was_made(entente):
    assert "entente key seal" in entente("key", "seal", "rotate", status=2).stderr
    assert entente("key", "show", "--format", "json").stdout.strip() == "[]"


def test_it_can_lie_under_a_passphrase(entente, tmp_path):
    (tmp_path / "passphrase").write_text("correct horse\n")
    text = entente("key", "seal", "--protect", "--passphrase-file", "passphrase").stdout.strip()
    kept = (tmp_path / "data/keys/seal.key").read_text()
    assert text in kept and "argon2id13" in kept and "PRIVATE" not in kept
    assert entente("key", "seal").stdout.strip() == text  # its public half is in the clear


def test_delegate_takes_it(entente, tmp_path):
    if not MAKER.exists():
        pytest.skip("make_register is not built")
    subprocess.run([MAKER, tmp_path], check=True)
    entente("key", "delegate", "--role", "seal", "--yes", "--output", "no.json", status=2)
    first = entente("key", "seal").stdout.strip()
    entente("key", "delegate", "--role", "seal", "--yes", "--output", "one.json")
    second = entente("key", "seal", "rotate").stdout.strip()
    entente("key", "delegate", tmp_path / "data/keys/seal.key", "--role", "seal", "--yes", "--output", "two.json")
    entente("key", "delegate", "x25519:" + base64.b64encode(bytes(32)).decode(), "--role", "seal", "--yes",
            "--output", "zero.json", status=2)
    entente("log", "add", "one.json", "two.json")
    shown = json.loads(entente("signatory", "show", "state.example", "--format", "json",
                               status=UNWITNESSED).stdout)
    assert [key["key"] for key in shown["keys"] if key["role"] == "seal"] == [first, second]
