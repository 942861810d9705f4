"""entente policy check, eval, margin: on the C2SP text and on a community's policy.

Exercises cmd_policy, policy_check, policy_eval, policy_margin, policy_file and policy_judged (src/cli),
and policy_read (src/register).
"""
import json
import pathlib

import pytest

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "vectors" / "tlog"
POLICY = VECTORS / "policy.txt"
KEYS = dict(line.split()[1:3] for line in POLICY.read_text().splitlines()
            if line.startswith("witness "))


def vectors():
    return [json.loads(line) for line in (VECTORS / "policies.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("row", vectors(), ids=lambda row: row["id"])
def test_vectors(entente, tmp_path, row):
    path = tmp_path / "policy.txt"
    path.write_bytes(row["policy"].encode())
    entente("policy", "check", path, status=0 if row["valid"] else 2)
    for names, met in (row.get("cosigned_by") or [])[:4]:
        options = [word for name in names for word in ("--cosigned", name)]
        entente("policy", "eval", path, *options, status=0 if met else 1)


def test_check_warns(entente, tmp_path):
    path = tmp_path / "policy.txt"
    path.write_text(f"witness A {KEYS['W1']}\nwitness B {KEYS['W2']}\ngroup g all A\nquorum g\n")
    result = json.loads(entente("policy", "check", path, "--format", "json").stdout)
    assert result["form"] == "c2sp" and len(result["warnings"]) == 2
    assert "\"B\" does not count" in result["warnings"][0]
    assert "one witness that fails" in result["warnings"][1]
    path.write_text("quorum none\n")
    assert "no witness is asked for" in entente("policy", "check", path).stdout


def test_written_policy_is_the_same(entente, tmp_path):
    again = tmp_path / "again.txt"
    entente("policy", "check", POLICY, "--format", "c2sp", "--output", again)
    assert entente("policy", "margin", again).stdout == entente("policy", "margin", POLICY).stdout


def test_margin_of_a_policy(entente):
    rows = json.loads(entente("policy", "margin", POLICY, "--format", "json").stdout)
    assert [(row["group"], row["may_fail"], row["suffice"]) for row in rows] == [
        ("states", 2, 1), ("private", 1, 2), ("civil", 2, 1), ("quorum3", 1, 4)]


def test_eval_of_proofs(entente, shared):
    """The quorum of a checkpoint, whether or not it stands in an offline proof."""
    proofs = shared / "data" / "tlog" / "proofs"
    good = json.loads(entente("policy", "eval", POLICY, proofs / "001.tlog-proof", "--format",
                              "json").stdout)
    assert good["met"] and good["reason"] == "good" and not good["unwitnessed"]
    short = entente("policy", "eval", POLICY, proofs / "002.tlog-proof", "--format", "json",
                    status=3)
    margins = {row["group"]: row["margin"] for row in json.loads(short.stdout)["margins"]}
    assert margins["private"] == -1 and margins["states"] >= 0
    entente("policy", "margin", POLICY, proofs / "002.tlog-proof", status=1)
    alone = entente("policy", "eval", POLICY, shared / "data" / "tlog" / "log-1300" / "checkpoint",
                    status=3)
    assert "too few witnesses" in alone.stdout
    log = next(line for line in POLICY.read_text().splitlines() if line.startswith("log "))
    (entente.folder / "none.txt").write_text(f"{log}\nquorum none\n")
    assert "unwitnessed" in entente("policy", "eval", "none.txt", proofs / "001.tlog-proof",
                                    status=3).stdout


def test_false_signature(entente, shared):
    note = (shared / "data" / "tlog" / "log-1300" / "checkpoint").read_text()
    (entente.folder / "other").write_text(note.replace("\n1300\n", "\n1301\n"))
    assert "false" in entente("policy", "eval", POLICY, "other", status=1).stdout
    (entente.folder / "foreign").write_text(note.replace("log.alpha.example/entente\n1300",
                                                         "log.beta.example/x\n1300"))
    assert "does not name" in entente("policy", "eval", POLICY, "foreign", status=1).stdout
    (entente.folder / "no-note").write_text("hello\n")
    entente("policy", "eval", POLICY, "no-note", status=2)


def test_unknown_witness(entente):
    assert "no witness of the policy" in entente("policy", "eval", POLICY, "--cosigned", "W77",
                                                 status=2).stderr


def test_community_policy(entente):
    """The same questions of a policy.yaml: its members' witnesses are the quorum's."""
    log = next(line.split()[1] for line in POLICY.read_text().splitlines()
               if line.startswith("log "))
    roots = ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
             "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
             "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    members = "".join(f"""
  - name: Member {name}
    domain: {KEYS[name].split("/")[0]}
    group: {group}
    country: FR
    root: {{threshold: 1, keys: ["{root}"]}}
    witness: {{key: "{KEYS[name]}"}}""" for name, group, root in zip(
        ("W1", "W4", "W7"), ("state", "private-sector", "civil-society"), roots))
    (entente.folder / "policy.yaml").write_text(f"""
log: {log.split("+")[0]}
log_keys: ["{log}"]
operator: operator.example
quorum: {{state: 1, private-sector: 1, civil-society: 1}}
members:{members}
""")
    result = json.loads(entente("policy", "check", "policy.yaml", "--format", "json").stdout)
    assert result["form"] == "community" and result["witnesses"] == 3
    text = entente("policy", "check", "policy.yaml", "--format", "c2sp").stdout
    (entente.folder / "policy.txt").write_text(text)
    assert (entente("policy", "margin", "policy.yaml").stdout
            == entente("policy", "margin", "policy.txt").stdout)
