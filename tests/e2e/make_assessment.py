"""Assessment documents of any size for the page tests.

    make_assessment.py [--findings N] [--assets N] [--hostile] [--history N] > assessment.json

The texts are invented; the shape is the contract "entente/assessment/1". The same arguments give
the same bytes.
"""
import argparse
import json
import random
import sys

PRINCIPLES = [
    ("Protect individuals and infrastructure", "Protéger les individus et les infrastructures"),
    ("Protect the Internet", "Protéger l'Internet"),
    ("Defend electoral processes", "Défendre les processus électoraux"),
    ("Defend intellectual property", "Défendre la propriété intellectuelle"),
    ("Non-proliferation", "Non-prolifération"),
    ("Lifecycle security", "Sécurité du cycle de vie"),
    ("Cyber hygiene", "Cyber-hygiène"),
    ("No private hack back", "Pas de riposte privée"),
    ("International norms", "Normes internationales"),
]
SEVERITY_WEIGHTS = {"critical": 10, "high": 5, "medium": 3, "low": 1, "info": 0}
CRITICALITY_WEIGHTS = {"low": 1, "normal": 2, "high": 3}
REASONS = ["needs-root", "offline", "absent", "no-record"]
SETTINGS = [
    ("ssh", "PermitRootLogin", "/etc/ssh/sshd_config", "yes", "no", "Root cannot log in over SSH",
     "Root ne peut pas se connecter par SSH"),
    ("kernel", "kernel.kptr_restrict", "/etc/sysctl.d/99-local.conf", "0", "1 or 2",
     "Kernel addresses are hidden from users", "Les adresses du noyau sont cachées aux utilisateurs"),
    ("files", "/etc/shadow", "/etc/shadow", "0644 root:root", "0640 root:shadow",
     "The password file is not readable by others",
     "Le fichier des mots de passe n'est pas lisible par les autres"),
    ("time", "NTP", "/etc/systemd/timesyncd.conf", "", "a time source",
     "The clock follows a time source that can be checked",
     "L'horloge suit une source de temps vérifiable"),
    ("packages", "APT::Periodic::Unattended-Upgrade", "/etc/apt/apt.conf.d/20auto-upgrades", "0",
     "1", "Security updates are installed by themselves",
     "Les mises à jour de sécurité s'installent d'elles-mêmes"),
]
HOSTILE_NAME = "</script><img src=x onerror=alert(1)>\u202egnp.exe {{script}} {date}"


def make_measures(count, generator):
    measures = {}
    for number in range(count):
        area, _, _, _, _, english, french = SETTINGS[number % len(SETTINGS)]
        # most of what a host can show is hygiene; three principles are left unmeasured
        principle = generator.choices([1, 2, 4, 5, 6, 7], [2, 2, 1, 1, 3, 9])[0]
        measures[f"host.{area}.rule-{number:03d}"] = {
            "catalogue_id": f"RULE-{number:03d}", "version": 1, "principle": principle,
            "severity": generator.choices(list(SEVERITY_WEIGHTS), [1, 4, 5, 3, 1])[0],
            "function": generator.choice(["identify", "protect", "detect", "recover"]),
            "title": {"en": f"{english} ({number})", "fr": f"{french} ({number})"},
            "why": {"en": "An attacker who gets in as `root` can change what the logs say; nobody "
                          "can tell afterwards what happened.",
                    "fr": "Un attaquant qui entre en tant que `root` peut changer ce que disent les "
                          "journaux ; personne ne peut dire ensuite ce qui s'est passé."},
            "fix": {"en": "Set `PermitRootLogin no` and log in under your own name.",
                    "fr": "Réglez `PermitRootLogin no` et connectez-vous sous votre propre nom."},
            "references": ["cis-debian12:5.1.20", "anssi-bp-028:R33", "man:sshd_config(5)",
                           "rfc:4252", "url:https://www.example.org/guide"],
            "fixable": number % 3 != 0, "needs": []}
    return measures


def make_finding(measure, number, asset, generator):
    _, key, path, found, wanted, _, _ = SETTINGS[number % len(SETTINGS)]
    failing = generator.random() < (0.5 if number % 4 == 0 else 0.02)
    outcome = "fail" if failing else generator.choices(
        ["pass", "warn", "not-applicable", "not-measured", "error"], [60, 4, 12, 8, 0.3])[0]
    finding = {"measure": measure, "asset": asset, "outcome": outcome}
    if outcome in ("pass", "warn", "fail"):
        line = {"type": "setting", "outcome": outcome, "path": path, "line": 12 + asset % 7,
                "key": key, "wanted": wanted}
        value = wanted if outcome == "pass" else found
        if value:
            line["found"] = value
        finding["evidence"] = [line]
        if outcome == "fail" and number % 5 == 2:
            finding["evidence"].append({"type": "redacted", "outcome": "fail", "path": "/etc/env",
                                        "line": 3, "key": "generic-api-key",
                                        "found": "40 bytes"})
    else:
        finding["evidence"] = []
        finding["reason"] = ("not-installed" if outcome == "not-applicable" else
                             "crash" if outcome == "error" else generator.choice(REASONS))
        if finding["reason"] == "needs-root":
            finding["detail"] = path
    if outcome == "fail" and generator.random() < 0.01:
        finding["waiver"] = {"by": "operations", "until": "2027-03-31",
                             "reason": "replaced with the new platform in March"}
    if outcome == "fail" and generator.random() < 0.1:
        finding["first_seen"] = "2026-09-01T06:00:00Z"
    return finding


def score(measures, assets, findings):
    principles = []
    for number, (english, french) in enumerate(PRINCIPLES, 1):
        counts = dict.fromkeys(["pass", "fail", "warn", "not-applicable", "not-measured", "error"], 0)
        met = unmet = unassessed = 0.0
        for finding in findings:
            measure = measures.get(finding["measure"])
            if not measure or measure["principle"] != number or finding.get("source"):
                continue
            outcome = finding["outcome"]
            if outcome not in counts:
                continue
            counts[outcome] += 1
            weight = (SEVERITY_WEIGHTS[measure["severity"]] *
                      CRITICALITY_WEIGHTS[assets[finding["asset"]]["criticality"]])
            met += weight * {"pass": 1, "warn": 0.5}.get(outcome, 0)
            unmet += weight * {"fail": 1, "warn": 0.5}.get(outcome, 0)
            unassessed += weight * (outcome in ("not-measured", "error"))
        measured, applicable = met + unmet, met + unmet + unassessed
        principles.append({
            "n": number, "name": {"en": english, "fr": french},
            "score": int(100 * met / measured) if measured else None,
            "coverage": int(100 * measured / applicable) if applicable else None,
            "weights": {"met": met, "unmet": unmet, "unassessed": unassessed}, "counts": counts})
    return principles


def make_trend(principles, runs, generator):
    trend = []
    for run in range(runs, 0, -1):
        def earlier(value):
            return None if value is None else max(0, min(100, value - run * 2 + generator.randint(-4, 4)))
        scores = [earlier(principle["score"]) for principle in principles]
        if run == runs // 2:
            scores[0] = None
        trend.append({"time": f"2026-{11 - run:02d}-20T06:00:00Z" if run < 11 else "2025-12-20T06:00:00Z",
                      "scores": scores,
                      "coverage": [earlier(principle["coverage"]) for principle in principles],
                      "failing": [principle["counts"]["fail"] + run for principle in principles]})
    return trend


def add_hostile(document):
    """What an attacker, a defect or a newer program could put there."""
    document["signatory"]["name"] = HOSTILE_NAME
    document["measures"]["host.hostile.link"] = {
        "catalogue_id": "EVIL-1", "version": 1, "principle": 7, "severity": "critical",
        "function": "protect", "title": "<img src=x onerror=alert(2)>", "needs": [],
        "why": {"en": "</script><script>alert(3)</script>"}, "fix": {"en": "`unclosed"},
        "references": ["javascript:alert(4)", "url:javascript:alert(5)", "https://example.org/",
                       "data:text/html,x", "http:"], "fixable": True}
    evidence = [
        {"type": "setting", "outcome": "fail", "path": "/etc/\u202etxt.exe", "line": 1,
         "key": "k" * 10240, "found": "\u0001\u001b[31m\ufffd\ufffd", "wanted": "</script>"},
        {"type": "text", "outcome": "fail", "found": "<!--<script>{{data}}"},
        {"type": "hologram", "outcome": "fail", "value": {"deep": ["<img src=x>"]}},
        {"type": "setting"}, {},
    ]
    document["findings"] += [
        {"measure": "host.hostile.link", "asset": 0, "outcome": "fail", "evidence": evidence,
         "omitted": 12, "waiver": {"by": "<b>", "until": "not a date", "reason": "\u2066x", "expired": True}},
        {"measure": "host.hostile.link", "asset": 999999, "outcome": "perhaps", "evidence": []},
        {"measure": "tool.unknown", "asset": 0, "outcome": "fail", "evidence": [],
         "source": "lynis 3.0.8"},
    ]
    document["principles"][8].update(score=None, coverage=None)
    document["unknown"] = {"future": True}
    document["hunts"] = {"logs": [None, {}, {"name": "<b>", "state": "\u202estate"}], "omitted": 3, "hits": [
        7, {}, {"indicator": "</script><img src=x>", "hits": "x", "tlp": 5, "days": [{"day": "never"}, None]},
        {"indicators": 1, "hits": 1, "days": [{"day": "9999-12-31", "hits": -1}], "first": "no day"}]}


def make_hunts(generator):
    days = [{"day": f"2026-{month:02d}-{day:02d}", "hits": generator.randrange(1, 40)}
            for month in (9, 10, 11) for day in (3, 4, 17)]
    rows = [("web", "domain", "evil.example", "green", 1), ("mail", "ipv4", "203.0.113.7", "clear", 1),
            ("web", "url", None, "amber", 12)]
    hits = [{"log": log, "kind": kind, "tlp": tlp, "indicators": count, "days": days[at:],
             "hits": sum(day["hits"] for day in days[at:]), "first": days[at]["day"], "last": days[-1]["day"],
             **({"indicator": indicator} if indicator else {})}
            for at, (log, kind, indicator, tlp, count) in enumerate(rows)]
    return {"tables": {"installed": 2, "expired": 0, "newest": "2026-11-20T05:00:00Z"},
            "logs": [{"name": "web", "state": "current", "searched": "2026-11-20T05:30:00Z", "unread": 0},
                     {"name": "mail", "state": "never"}],
            "hits": hits, "omitted": 0}


def make(findings=200, assets=None, hostile=False, history=0, seed=1):
    generator = random.Random(seed)
    count = min(180, findings)
    assets_count = assets or max(1, -(-findings // 180))
    measures = make_measures(count, generator)
    names = list(measures)
    asset_list = [{"id": f"host:srv-{number:03d}", "kind": "host",
                   "name": f"srv-{number:03d}.example.org",
                   "criticality": generator.choice(["low", "normal", "normal", "high"])}
                  for number in range(assets_count)]
    found = [make_finding(names[number % count], number % count, (number // count) % assets_count, generator)
             for number in range(findings)]
    principles = score(measures, asset_list, found)
    document = {
        "schema": "entente/assessment/1",
        "signatory": {"id": "example-city", "name": "City of Exampleville", "group": "state",
                      "country": "FR", "domain": "exampleville.example"},
        "run": {"id": "20261120T060000Z-1", "started": "2026-11-20T06:00:00Z",
                "ended": "2026-11-20T06:00:02Z", "version": "0.1.0",
                "catalogue": "sha256:" + "5e" * 32, "catalogue_version": "2026.11",
                "profile_sha256": "ab" * 32, "nonce": "00" * 32},
        "principles": principles, "measures": measures, "assets": asset_list, "findings": found,
        "trend": make_trend(principles, history, generator)}
    if history:
        document["hunts"] = make_hunts(generator)
    if hostile:
        add_hostile(document)
    return document


def dump(document):
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings", type=int, default=200)
    parser.add_argument("--assets", type=int)
    parser.add_argument("--hostile", action="store_true")
    parser.add_argument("--history", type=int, default=0)
    arguments = parser.parse_args()
    sys.stdout.write(dump(make(**vars(arguments))))


if __name__ == "__main__":
    main()
