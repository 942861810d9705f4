"""Sign, verify, disclose and key (cmd_sign, cmd_verify, verify_said, cmd_disclose, cmd_key), as a signatory and a
doubtful reader use them."""
import base64
import json
import stat
import subprocess

import pytest

from conftest import BINARY


def verdict(entente, *arguments, status):
    return json.loads(entente("verify", *arguments, "--format", "json", status=status).stdout)


@pytest.fixture
def letter(entente):
    """A key, a document and its envelope."""
    entente("key", "new", "--name", "example.org")
    path = entente.folder / "letter.txt"
    path.write_text("We endorse.\n")
    entente("sign", path)
    return path


def envelope_of(path):
    return path.with_name(path.name + ".dsse.json")


def test_signed_document_verifies(entente, letter):
    text = entente("verify", letter).stdout
    assert "Good" in text and "own key" in text and "is what was signed" in text
    got = verdict(entente, envelope_of(letter), status=0)
    assert (got["verdict"], got["reason"], got["document"]) == ("good", None, "matches")
    subject = got["statement"]["subject"][0]
    assert subject["name"] == "letter.txt"
    assert got["statement"]["predicate"]["size"] == len("We endorse.\n")


def test_what_is_signed_is_shown_first(entente):
    entente("key", "new", "--name", "example.org")
    (entente.folder / "a\033[31m.txt").write_text("x")
    shown = entente("sign", "a\033[31m.txt").stderr
    assert "SHA-256" in shown and "example.org+" in shown and "\033" not in shown


def test_a_changed_document_is_a_wrong_digest(entente, letter):
    letter.write_text("We endorse!\n")
    assert verdict(entente, letter, status=1)["reason"] == "digest"


def test_without_the_document_it_says_so(entente, letter):
    letter.rename(entente.folder / "elsewhere.txt")
    assert verdict(entente, envelope_of(letter), status=0)["document"] == "not-checked"
    assert "not checked" in entente("verify", envelope_of(letter)).stdout
    got = verdict(entente, envelope_of(letter), "--document", "elsewhere.txt", status=0)
    assert got["document"] == "matches"
    entente("verify", envelope_of(letter), "--document", "nowhere.txt", status=3)


def test_every_altered_byte_of_payload_and_signature_is_refused(entente, letter):
    value = json.loads(envelope_of(letter).read_text())
    payload = bytearray(base64.b64decode(value["payload"]))
    signature = bytearray(base64.b64decode(value["signatures"][0]["sig"]))
    altered = entente.folder / "altered.dsse.json"
    for part, where in ((payload, "payload"), (signature, "sig")):
        for index in range(0, len(part), 5):
            part[index] ^= 1
            text = base64.b64encode(part).decode()
            part[index] ^= 1
            other = json.loads(json.dumps(value))
            (other if where == "payload" else other["signatures"][0])[where] = text
            altered.write_text(json.dumps(other))
            assert verdict(entente, altered, status=1)["reason"] == "signature"


def test_malformed_envelopes(entente, letter):
    text = envelope_of(letter).read_text()
    broken = entente.folder / "broken.json"
    for content in ("", "{}", text[:-3], text + "x", text.replace('"payload":', '"payload": "", "payload":')):
        broken.write_text(content)
        assert verdict(entente, broken, status=2)["reason"] == "malformed"


def signed_by_openssl(folder, payload, kind="application/vnd.in-toto+json"):
    """An envelope by another program: key k.pem, public key p.pem."""
    subprocess.run("openssl genpkey -algorithm ed25519 -out k.pem; openssl pkey -in k.pem -pubout -out p.pem",
                   shell=True, cwd=folder, check=True, capture_output=True)
    (folder / "pae").write_bytes(b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload))
    subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", "k.pem", "-rawin", "-in", "pae", "-out", "sig"],
                   cwd=folder, check=True, capture_output=True)
    value = {"payloadType": kind, "payload": base64.urlsafe_b64encode(payload).decode(),
             "signatures": [{"sig": base64.b64encode((folder / "sig").read_bytes()).decode()}]}
    (folder / "foreign.dsse.json").write_text(json.dumps(value))


def test_what_another_program_signed(entente):
    statement = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://example.org/new",
                 "subject": [{"name": "a.txt", "digest": {"sha256": "00" * 32}}], "predicate": {"size": 1}}
    check = ("foreign.dsse.json", "--key", "p.pem")
    signed_by_openssl(entente.folder, json.dumps(statement).encode())
    assert verdict(entente, *check, status=3)["reason"] == "unknown-predicate"
    statement["predicateType"] = "urn:entente:predicate:document:1"
    signed_by_openssl(entente.folder, json.dumps(statement).encode())
    assert verdict(entente, *check, status=0)["document"] == "not-checked"
    (entente.folder / "a.txt").write_text("a")
    assert verdict(entente, *check, status=1)["reason"] == "digest"
    del statement["predicate"]["size"]
    signed_by_openssl(entente.folder, json.dumps(statement).encode())
    assert verdict(entente, *check, status=2)["reason"] == "malformed"
    signed_by_openssl(entente.folder, b"hello", "text/plain")
    assert verdict(entente, *check, status=2)["reason"] == "malformed"
    entente("verify", "nowhere.json", status=3)


def test_several_signatures_and_threshold(entente, letter):
    first = entente("key", "export").stdout.strip()
    other = entente.folder / "other"
    env = {**entente.environment, "ENTENTE_DATA": str(other)}
    subprocess.run([BINARY, "key", "new", "--name", "ngo.example"], env=env, check=True, capture_output=True)
    second_file = other / "keys" / "default.key"
    entente("sign", letter, "--add", envelope_of(letter), "--key", second_file)
    entente("sign", letter, "--add", envelope_of(letter), "--key", second_file, status=2)
    assert verdict(entente, letter, "--key", first, "--key", second_file, "--threshold", 2, status=0)["signers"] == 2
    assert verdict(entente, letter, "--key", first, "--threshold", 2, status=3)["reason"] == "threshold"
    assert verdict(entente, letter, "--threshold", 2, status=3)["reason"] == "threshold"
    entente("verify", letter, "--threshold", "-1", status=2)


def test_a_signature_is_not_added_to_another_document(entente, letter):
    other = entente.folder / "other.txt"
    other.write_text("something else\n")
    entente("sign", other, "--add", envelope_of(letter), status=1)


def test_an_envelope_is_not_overwritten_by_chance(entente, letter):
    before = envelope_of(letter).read_text()
    assert "--add" in entente("sign", letter, status=2).stderr
    assert envelope_of(letter).read_text() == before


def test_only_the_given_keys_are_trusted(entente, letter, tmp_path):
    stranger = tmp_path / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger], check=True)
    assert verdict(entente, letter, "--key", f"{stranger}.pub", status=3)["reason"] == "unknown-key"
    entente("verify", letter, "--key", "not a key", status=3)
    vkey = entente("key", "export").stdout.strip()
    assert "was altered" in entente("verify", letter, "--key", "X" + vkey, status=2).stderr


def test_protocol_statements_are_not_signed_as_documents(entente, letter):
    done = entente("sign", envelope_of(letter), status=4)
    assert "envelope" in done.stderr
    payload = json.loads(envelope_of(letter).read_text())["payload"]
    (entente.folder / "delegation.json").write_bytes(base64.b64decode(payload))
    assert "protocol" in entente("sign", "delegation.json", status=4).stderr


def test_without_a_key_sign_says_how_to_get_one(entente):
    (entente.folder / "a.txt").write_text("a")
    assert "key new" in entente("sign", "a.txt", status=2).stderr
    assert not (entente.folder / "a.txt.dsse.json").exists()


def test_passphrase(entente):
    (entente.folder / "right").write_text("correct horse\n")
    (entente.folder / "wrong").write_text("correct house\n")
    entente("key", "new", "--name", "example.org", "--protect", "--passphrase-file", "right")
    path = entente.folder / "data" / "keys" / "default.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert b"PRIVATE" not in path.read_bytes()
    (entente.folder / "a.txt").write_text("a")
    done = entente("sign", "a.txt", "--passphrase-file", "wrong", status=2)
    assert "passphrase is wrong" in done.stderr
    done = entente("sign", "a.txt", status=2, start_new_session=True)
    assert "--passphrase-file" in done.stderr
    entente.environment["ENTENTE_PASSPHRASE_FILE"] = "right"
    entente("sign", "a.txt")
    del entente.environment["ENTENTE_PASSPHRASE_FILE"]
    entente("verify", "a.txt")
    entente("key", "show")


def test_assess_asks_for_the_passphrase_before_the_work(entente):
    (entente.folder / "right").write_text("correct horse\n")
    entente("key", "new", "--name", "example.org", "--protect", "--passphrase-file", "right")
    options = ("assess", "--principle", 7, "--no-walk", "--save", "--quiet")
    done = entente(*options, status=2, start_new_session=True)
    assert "PASSPHRASE_FILE" in done.stderr and done.stdout  # shown, though it cannot be kept
    entente.environment["ENTENTE_PASSPHRASE_FILE"] = "right"
    entente(*options)
    run = next((entente.folder / "data" / "reports").iterdir())
    entente("verify", run / "assessment.dsse.json")


def test_keys_are_not_replaced_nor_read_by_others(entente, letter):
    entente("key", "new", status=2)
    path = entente.folder / "data" / "keys" / "default.key"
    path.chmod(0o644)
    done = entente("sign", letter, "--output", "x.json", status=4)
    assert "chmod 600" in done.stderr


def test_openssl_reads_and_verifies_what_we_write(entente, letter):
    """The peer: openssl checks our signature over the pre-authentication encoding."""
    public = entente.folder / "public.pem"
    entente("key", "export", "--format", "pem", "--output", public)
    value = json.loads(envelope_of(letter).read_text())
    payload = base64.b64decode(value["payload"])
    kind = value["payloadType"].encode()
    pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    (entente.folder / "pae").write_bytes(pae)
    (entente.folder / "sig").write_bytes(base64.b64decode(value["signatures"][0]["sig"]))
    subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", "pae",
                    "-sigfile", "sig"], cwd=entente.folder, check=True, capture_output=True)
    entente("verify", letter, "--key", public)


def test_private_key_goes_out_and_in_again(entente, letter):
    (entente.folder / "pass").write_text("correct horse\n")
    vkey = entente("key", "export").stdout
    entente("key", "export", "--private", status=2)
    entente("key", "export", "--private", "--output", "plain.pem")
    entente("key", "export", "--private", "--protect", "--passphrase-file", "pass", "--output", "sealed.pem")
    assert stat.S_IMODE((entente.folder / "plain.pem").stat().st_mode) == 0o600
    subprocess.run(["openssl", "pkey", "-in", "sealed.pem", "-passin", "file:pass", "-noout"],
                   cwd=entente.folder, check=True)
    for number, (name, extra) in enumerate((("plain.pem", ()), ("sealed.pem", ("--passphrase-file", "pass")))):
        entente.environment["ENTENTE_DATA"] = str(entente.folder / f"data{number}")
        entente("key", "import", name, "--name", "example.org", *extra)
        assert entente("key", "export").stdout == vkey


def test_openssh_key_signs(entente, tmp_path):
    key = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    (entente.folder / "a.txt").write_text("a")
    entente("sign", "a.txt", "--key", key, "--name", "example.org")
    entente("verify", "a.txt", "--key", f"{key}.pub")
    sealed = tmp_path / "sealed"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", sealed], check=True)
    assert "ssh-keygen -p" in entente("key", "import", sealed, status=2).stderr


@pytest.fixture
def assessed(entente):
    """An assessment of this machine, small enough to be quick; its folder."""
    entente("assess", "--principle", 7, "--no-walk", "--save", "--quiet")
    return next((entente.folder / "data" / "reports").iterdir())


def test_assessment_is_signed_and_private_parts_stay_private(entente, assessed):
    assert stat.S_IMODE((assessed / "openings.json").stat().st_mode) == 0o600
    document = json.loads((assessed / "assessment.json").read_text())
    got = verdict(entente, assessed / "assessment.dsse.json", status=0)
    assert got["document"] == "matches"
    assert verdict(entente, assessed / "assessment.json", status=0)["document"] == "matches"
    predicate = got["statement"]["predicate"]
    public = json.dumps(predicate)
    for finding in document["findings"]:
        assert finding["measure"] not in public
    assert '"score"' not in public
    assert predicate["commitments"]["count"] == 9 + len(document["findings"])
    for told, known in zip(predicate["principles"], document["principles"]):
        score = known["score"]
        assert told["band"] == (None if score is None else min(score // 20, 4) + 1)


def test_disclosed_entries_verify_and_altered_ones_do_not(entente, assessed):
    document = json.loads((assessed / "assessment.json").read_text())
    measure = document["findings"][0]["measure"]
    opened = entente.folder / "opened.json"
    entente("disclose", 7, measure, "--output", opened)
    got = verdict(entente, opened, status=0)
    assert got["opened"][0]["value"]["score"] == document["principles"][6]["score"]
    assert {entry["value"].get("measure") for entry in got["opened"]} == {None, measure}
    assert measure in entente("verify", opened).stdout
    others = {finding["measure"] for finding in document["findings"]} - {measure}
    assert not [name for name in others if name in opened.read_text()]

    value = json.loads(opened.read_text())
    better = 99 if value["entries"][0]["value"]["score"] == 100 else 100
    for index, member, other in ((0, "score", better), (1, "outcome", "splendid")):
        changed = json.loads(json.dumps(value))
        changed["entries"][index]["value"][member] = other
        (entente.folder / "altered.json").write_text(json.dumps(changed))
        assert verdict(entente, "altered.json", status=1)["reason"] == "opening"
    changed = json.loads(json.dumps(value))
    changed["entries"][0]["path"].append("00" * 32)
    (entente.folder / "altered.json").write_text(json.dumps(changed))
    assert verdict(entente, "altered.json", status=1)["reason"] == "opening"
    changed["entries"] = []
    (entente.folder / "altered.json").write_text(json.dumps(changed))
    assert verdict(entente, "altered.json", status=2)["reason"] == "malformed"


def test_disclose_answers_mistakes(entente, assessed):
    assert "host.no.such" in entente("disclose", "host.no.such", status=2).stderr
    entente("disclose", status=2)
    entente("disclose", assessed, status=2)
    entente("disclose", assessed.name, 7)
    entente("disclose", assessed / "assessment.dsse.json", 7)
    openings = json.loads((assessed / "openings.json").read_text())
    told = openings["entries"][0]["value"]
    told["score"] = 99 if told["score"] == 100 else 100
    (assessed / "openings.json").write_text(json.dumps(openings))
    assert "altered" in entente("disclose", 7, status=2).stderr


def test_a_document_that_looks_like_an_envelope_is_still_a_document(entente):
    """Only what has both members of an envelope is one."""
    entente("key", "new", "--name", "example.org")
    path = entente.folder / "message.json"
    path.write_text('{"payload": 1}')
    entente("sign", path)
    assert verdict(entente, path, status=0)["document"] == "matches"
    path.write_text('{"payload": 2}')
    assert verdict(entente, path, status=1)["reason"] == "digest"


def test_a_file_of_a_terabyte_is_refused_at_once(entente):
    path = entente.folder / "huge.json"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    for command in ("verify", "import", "view"):
        assert "larger than" in entente(command, path, status=2).stderr


def test_answers_are_in_french_too(entente, letter):
    text = entente("verify", letter, "--lang", "fr").stdout
    assert "Valable\u202f: " in text and "votre clé" in text and "ce qui a été signé" in text
    assert "entier\u202f: " in entente("journal", "verify", "--lang", "fr").stdout or (
        "vide" in entente("journal", "verify", "--lang", "fr").stdout)
    assert "CLÉ PUBLIQUE" in entente("key", "--lang", "fr").stdout
    letter.write_text("We do not.\n")
    assert "Refusé\u202f: " in entente("verify", letter, "--lang", "fr", status=1).stdout
