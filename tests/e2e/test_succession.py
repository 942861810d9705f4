"""A log that was lost goes on under a new origin, naming where the old one ended."""
import base64
import json

from community import program

POLICY = "operator: op.example\nmembers: []\n" \
         "quorum: {state: 0, private-sector: 0, civil-society: 0}\n"


def init(made, origin, *more, status=0):
    (made.folder / "policy.yaml").write_text(POLICY)
    return made("community", "init", "--origin", origin, "--policy", "policy.yaml", *more,
                status=status)


def test_the_new_log_names_the_old_one(tmp_path):
    old, new = program(tmp_path / "old"), program(tmp_path / "new")
    init(old, "call.example/2026")
    note = old.data / "log/checkpoint"
    init(new, "call.example/2027", "--succeeds", note, "--reason", "the disk was lost")
    register = json.loads(new("register", "rebuild", status=3).stdout)  # 3: unwitnessed
    assert register["size"] == 2 and register["refused"] == []
    assert register["succession"]["old"]["origin"] == "call.example/2026"
    assert base64.b64decode(register["succession"]["old"]["note"]) == note.read_bytes()
    assert register["succession"]["reason"] == "the disk was lost"


def test_what_cannot_be_succeeded(tmp_path):
    made = program(tmp_path / "old")
    init(made, "call.example/2026")
    other = program(tmp_path / "new")
    note = made.data / "log/checkpoint"
    assert "--reason" in init(other, "call.example/2027", "--succeeds", note, status=2).stderr
    assert "new origin" in init(other, "call.example/2026", "--succeeds", note, "--reason", "x",
                                status=2).stderr
    (tmp_path / "letter").write_text("no note\n")
    assert "letter" in init(other, "call.example/2027", "--succeeds", tmp_path / "letter",
                            "--reason", "x", status=2).stderr
    # Nothing was begun by what was refused.
    assert not (other.data / "log").exists()
