#!/usr/bin/env python3
"""Makes the C table of the kinds of cases from data/processes/*.yaml.

usage: processes.py OUT.c COMMON.yaml FILE.yaml...

Each kind is checked as a whole: its states can be reached and left, its ends can be reached from
everywhere, every text is there in English and French, and whatever a row names is there: fields,
roles, states, machines, events. docs/architecture.md ("Adding a kind") shows a file row by row.
"""
import re
import sys

import yaml

from catalogue import c_string, fail, french

LEVELS = ["clear", "green", "amber", "amber+strict", "red"]
TYPES = ["text", "line", "choice", "choices", "yes-no", "number", "time", "date", "country",
         "languages", "uri", "digest", "key"]
EFFECTS = ["add-party", "offer", "take-over", "refuse", "set-tlp", "leave"]
UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
LIMITS = {"text": 20000, "line": 300}
SHORT = 100
ALWAYS = ["text"]  # a remark may go with every step

KIND = {"id", "principle", "title", "about", "anonymous", "own", "tlp", "ceiling",
        "retention_days", "roles", "fields", "opens", "machines", "reopens_to", "withdraw"}
ROLE = {"title", "opens", "addressed", "many", "sees_all"}
FIELD = {"title", "hint", "type", "limit", "first", "choices", "suggest_days"}
CHOICE = {"en", "fr", "score"}
OPENS = {"needs", "takes", "approvals", "causes"}
MACHINE = {"title", "per_party", "apart", "start", "states", "ends", "steps", "clocks"}
STEP = {"do", "from", "to", "by", "approvals", "needs", "takes", "title", "local", "tells_all",
        "by_other", "when", "earlier", "only", "sets", "causes", "effect",
        "shared"}
CLOCK = {"id", "in", "role", "due", "due_field", "cases", "warn", "renews_on", "met_on",
         "pauses_in", "then", "title"}


def members(place, row, allowed, needed=()):
    if not isinstance(row, dict):
        fail(place, "is not a mapping")
    if set(row) - allowed:
        fail(place, f"unknown member {sorted(set(row) - allowed)}")
    for name in needed:
        if name not in row:
            fail(place, f"has no {name}")


def listed(value):
    return [] if value is None else [str(item) for item in value] if isinstance(value, list) \
        else [str(value)]


def slug(place, value):
    if not isinstance(value, str) or not re.match(r"^[a-z][a-z0-9]*([-_][a-z0-9]+)*$", value) \
            or len(value) > 40:
        fail(place, f"{value!r} is not a lower-case word of at most 40 letters, as take-over")
    return value


def text(place, value, must=True):
    if value is None and not must:
        return "{ NULL, NULL }"
    if not isinstance(value, dict) or not {"en", "fr"} <= set(value):
        fail(place, "needs a text in en and fr")
    for language in ("en", "fr"):
        if not isinstance(value[language], str) or not value[language].strip():
            fail(place, f"its text in {language} is empty")
    return "{ %s, %s }" % (c_string(value["en"].strip()), c_string(french(value["fr"].strip())))


def duration(place, value):
    """Seconds and working days of "24 h", "3 working days"."""
    match = re.match(r"^(\d+) (s|min|h|d|working days?)$", str(value))
    if not match or int(match.group(1)) == 0:
        fail(place, f"{value!r} is not a time, as 15 min, 24 h, 90 d, 3 working days")
    if match.group(2).startswith("working"):
        return 0, int(match.group(1))
    return int(match.group(1)) * UNITS[match.group(2)], 0


def strings(values):
    values = list(values)
    return "(const char *const[]){ " + "".join(c_string(v) + ", " for v in values) + "NULL }" \
        if values else "NULL"


def array(kind, rows, end):
    return f"(const struct {kind}[]){{ " + ", ".join([*rows, end]) + " }" if rows else "NULL"


def yes(row, name):
    value = row.get(name, False)
    if not isinstance(value, bool):
        fail(name, f"{value!r} is not true or false")
    return "TRUE" if value else "FALSE"


class Kind:
    """One kind: what the file says, made whole, checked, and written as C."""

    def __init__(self, place, row, common):
        self.place, self.row = place, row
        members(place, row, KIND, ("id", "title", "about", "tlp", "ceiling", "retention_days",
                                   "roles", "machines"))
        slug(place, row["id"])
        self.machines = row["machines"]
        self.main = next(iter(self.machines))
        self.fields = dict(common["fields"])
        for name, field in (row.get("fields") or {}).items():
            if name in self.fields:
                fail(place, f"field {name} stands in common.yaml too")
            self.fields[name] = field
        self.roles = row["roles"]
        self.steps = []
        self.add_steps(common)
        self.check()

    def add_steps(self, common):
        for name, machine in self.machines.items():
            members(f"{self.place}: machine {name}", machine, MACHINE,
                    ("title", "start", "states", "ends"))
            for step in machine.get("steps") or []:
                self.steps.append((name, step))
        main = self.machines[self.main]
        openers = [name for name, role in self.roles.items() if (role or {}).get("opens")]
        if self.row.get("withdraw"):
            main["states"]["withdrawn"] = common["withdrawn"]
            main["ends"] = [*listed(main["ends"]), "withdrawn"]
        for step in common["steps"]:
            step = dict(step)
            if step.get("shared") and self.row.get("own"):
                continue
            if step["do"] == "withdraw":
                if not self.row.get("withdraw"):
                    continue
                step["by"] = openers
            if step["do"] == "add-party":
                if not any(role.get("many") for role in self.roles.values()):
                    continue
                step["by"] = [name for name, role in self.roles.items()
                              if role.get("opens") or role.get("addressed")]
            if step["do"] == "reopen":
                if "reopens_to" not in self.row:
                    continue
                step["to"] = self.row["reopens_to"]
                step["from"] = listed(main["ends"])
            self.steps.append((self.main, step))

    # --- checks ---

    def check(self):
        row, place = self.row, self.place
        for name in ("tlp", "ceiling"):
            if row[name] not in LEVELS:
                fail(place, f"{name} is one of {', '.join(LEVELS)}")
        if LEVELS.index(row["tlp"]) > LEVELS.index(row["ceiling"]):
            fail(place, "tlp is above ceiling")
        if row.get("principle", 0) not in range(0, 10):
            fail(place, "principle is 1 to 9")
        if not isinstance(row["retention_days"], int) or row["retention_days"] < 1:
            fail(place, "retention_days is a number of days")
        self.check_roles()
        for name, field in self.fields.items():
            self.check_field(f"{place}: field {name}", name, field)
        members(f"{place}: opens", row.get("opens") or {}, OPENS)
        for name, machine in self.machines.items():
            self.check_machine(f"{place}: machine {name}", name, machine)
        for machine, step in self.steps:
            self.check_step(f"{place}: {machine}: step {step.get('do')}", machine, step)
        for name, machine in self.machines.items():
            for clock in machine.get("clocks") or []:
                self.check_clock(f"{place}: {name}: clock {clock.get('id')}", name, clock)
        for name, machine in self.machines.items():
            self.check_reach(f"{place}: machine {name}", name, machine)
        self.check_use()

    def check_roles(self):
        addressed = 0
        for name, role in self.roles.items():
            place = f"{self.place}: role {name}"
            members(place, role, ROLE, ("title",))
            slug(place, name)
            addressed += bool(role.get("addressed"))
        if not any(role.get("opens") for role in self.roles.values()):
            fail(self.place, "no role opens it")
        if addressed != (0 if self.row.get("own") else 1):
            fail(self.place, "exactly one role is addressed, and none where the kind is own")

    def check_field(self, place, name, field):
        members(place, field, FIELD, ("title", "type"))
        slug(place, name)
        if field["type"] not in TYPES:
            fail(place, f"type is one of {', '.join(TYPES)}")
        if (field["type"] in ("choice", "choices")) != ("choices" in field):
            fail(place, "choices belong to the types choice and choices, and to them alone")
        for choice, value in (field.get("choices") or {}).items():
            slug(f"{place}: {choice}", choice)
            members(f"{place}: {choice}", value, CHOICE)
        if "suggest_days" in field and field["type"] not in ("date", "time"):
            fail(place, "suggest_days belongs to a date or a time")

    def check_machine(self, place, name, machine):
        slug(place, name)
        states = machine["states"]
        for state, words in states.items():
            slug(place, state)
            text(f"{place}: state {state}", words)
        for state in [machine["start"], *listed(machine["ends"])]:
            if state not in states:
                fail(place, f"state {state} is not among its states")
        if "per_party" in machine and machine["per_party"] not in self.roles:
            fail(place, f"per_party: there is no role {machine['per_party']}")
        if machine.get("apart") and "per_party" not in machine:
            fail(place, "apart belongs to a machine that is per_party")
        if name == self.main and "per_party" in machine:
            fail(place, "the first machine is the case's own")

    def known_fields(self, place, names):
        for name in names:
            if name not in self.fields:
                fail(place, f"there is no field {name}")

    def check_event(self, place, machine, event):
        if machine not in self.machines:
            fail(place, f"there is no machine {machine}")
        if not any(where == machine and step["do"] == event for where, step in self.steps):
            fail(place, f"machine {machine} has no step {event}")

    def check_causes(self, place, causes):
        for cause in causes or []:
            members(place, cause, {"do", "field"}, ("do",))
            if not re.match(r"^[^/]+/[^/]+$", str(cause["do"])):
                fail(place, "causes: do is MACHINE/EVENT")
            self.check_event(place, *cause["do"].split("/"))
            self.known_fields(place, listed(cause.get("field")))

    def check_value(self, place, what, row):
        """A field of the case, and a value that it may have."""
        self.known_fields(place, [row["field"]])
        choices = self.fields[row["field"]].get("choices")
        if choices and str(row["is"]) not in choices:
            fail(place, f"{what}: {row['field']} has no choice {row['is']}")

    def check_step(self, place, machine, step):
        members(place, step, STEP, ("do", "from", "to", "by", "title"))
        slug(place, step["do"])
        if step["do"] == "open":
            fail(place, "open is how every case begins; it is no step")
        states = self.machines[machine]["states"]
        for state in listed(step["from"]):
            if state not in states and state not in ("*", "**"):
                fail(place, f"from: there is no state {state}")
        if step["to"] not in states and step["to"] != "=":
            fail(place, f"to: there is no state {step['to']}")
        for role in listed(step["by"]):
            if role not in self.roles and role not in ("*", "-"):
                fail(place, f"by: there is no role {role}")
        self.known_fields(place, listed(step.get("needs")) + listed(step.get("takes")))
        self.known_fields(place, listed(step.get("earlier")))
        if len(listed(step.get("earlier"))) not in (0, 2):
            fail(place, "earlier names two fields")
        if "only" in step:
            members(place, step["only"], {"field", "is"}, ("field", "is"))
            self.check_value(place, "only", step["only"])
        for field, source in (step.get("sets") or {}).items():
            self.known_fields(place, [field, source])
        for other in listed(step.get("when")):
            name, _, state = other.partition("/")
            if state not in (self.machines.get(name) or {}).get("states", {}):
                fail(place, f"when: there is no {other}")
        self.check_causes(place, step.get("causes"))
        if step.get("effect") and step["effect"] not in EFFECTS:
            fail(place, f"effect is one of {', '.join(EFFECTS)}")
        if step.get("local") and step["to"] != "=":
            fail(place, "a local step changes no state: others could not follow")
        if self.machines[machine].get("apart") and (step.get("causes") or step.get("effect")):
            fail(place, "a step that may be said apart changes nothing for others")
        for other in listed(step.get("when")):
            name = other.partition("/")[0]
            if self.machines[name].get("per_party") and name != machine:
                fail(place, f"when: not all parties know {name}")
        if step.get("approvals", 1) not in range(1, 9):
            fail(place, "approvals is 1 to 8")

    def check_clock(self, place, machine, clock):
        members(place, clock, CLOCK, ("id", "in", "role", "title"))
        slug(place, clock["id"])
        states = self.machines[machine]["states"]
        for state in listed(clock["in"]) + listed(clock.get("pauses_in")):
            if state not in states:
                fail(place, f"there is no state {state}")
        if set(listed(clock["in"])) & set(listed(clock.get("pauses_in"))):
            fail(place, "it cannot run and stand still in the same state")
        if clock["role"] not in self.roles:
            fail(place, f"there is no role {clock['role']}")
        if "due" not in clock and "due_field" not in clock:
            fail(place, "it has no due and no due_field")
        self.known_fields(place, listed(clock.get("due_field")))
        if clock.get("due_field") and \
                self.fields[clock["due_field"]]["type"] not in ("date", "time"):
            fail(place, "due_field is no date and no time")
        for case in clock.get("cases") or []:
            members(place, case, {"field", "is", "due"}, ("field", "is", "due"))
            self.check_value(place, "cases", case)
        for event in listed(clock.get("met_on")) + listed(clock.get("renews_on")):
            self.check_event(place, machine, event)
        if clock.get("then"):
            where, event = self.split_then(machine, clock["then"])
            self.check_event(place, where, event)
            for state in listed(clock["in"]):
                if where == machine and not any(
                        self.leaves(at, step, state) and step["do"] == event
                        for at, step in self.steps if at == machine):
                    fail(place, f"then: {event} is not possible in {state}")

    @staticmethod
    def split_then(machine, then):
        where, slash, event = str(then).partition("/")
        return (where, event) if slash else (machine, where)

    def leaves(self, machine, step, state):
        froms = listed(step["from"])
        return state in froms or "**" in froms or \
            ("*" in froms and state not in listed(self.machines[machine]["ends"]))

    def check_reach(self, place, name, machine):
        follows = {state: set() for state in machine["states"]}
        caused = {tuple(cause["do"].split("/")) for _, step in self.steps
                  for cause in step.get("causes") or []}
        caused |= {tuple(cause["do"].split("/"))
                   for cause in (self.row.get("opens") or {}).get("causes") or []}
        caused |= {self.split_then(where, clock["then"]) for where, other in self.machines.items()
                   for clock in other.get("clocks") or [] if clock.get("then")}
        for where, step in self.steps:
            if where != name or step["to"] == "=":
                continue
            if listed(step["by"]) == ["-"] and (name, step["do"]) not in caused:
                fail(place, f"step {step['do']} is nobody's, and no clock and no step causes it")
            for state in follows:
                if self.leaves(name, step, state):
                    follows[state].add(step["to"])

        def reach(start):
            seen, todo = {start}, [start]
            while todo:
                for state in follows[todo.pop()] - seen:
                    seen.add(state)
                    todo.append(state)
            return seen

        lost = set(follows) - reach(machine["start"])
        if lost:
            fail(place, f"states that cannot be reached: {', '.join(sorted(lost))}")
        ends = set(listed(machine["ends"]))
        stuck = [state for state in follows if ends and not reach(state) & ends]
        if stuck:
            fail(place, f"states without a way to an end: {', '.join(sorted(stuck))}")

    def check_use(self):
        opens = self.row.get("opens") or {}
        used = set(listed(opens.get("needs")) + listed(opens.get("takes")))
        self.known_fields(f"{self.place}: opens", used)
        self.check_causes(f"{self.place}: opens", opens.get("causes"))
        for _, step in self.steps:
            used |= set(listed(step.get("needs")) + listed(step.get("takes")) +
                        list(step.get("sets") or {}))
        idle = set(self.row.get("fields") or {}) - used
        if idle:
            fail(self.place, f"fields that nothing asks for: {', '.join(sorted(idle))}")
        ids = [clock["id"] for machine in self.machines.values()
               for clock in machine.get("clocks") or []]
        if len(ids) != len(set(ids)):
            fail(self.place, "two clocks have one id")

    # --- C ---

    def c_roles(self):
        return array("process_role", [
            "{ %s, %s, %s, %s, %s, %s }" % (
                c_string(name), text(f"{self.place}: role {name}", role["title"]),
                yes(role, "opens"), yes(role, "addressed"), yes(role, "many"),
                yes(role, "sees_all")) for name, role in self.roles.items()], "{ 0 }")

    def c_fields(self):
        rows = []
        for name, field in self.fields.items():
            place = f"{self.place}: field {name}"
            choices = array("process_choice", [
                "{ %s, %s, %d }" % (c_string(key), text(place, value), value.get("score", 0))
                for key, value in (field.get("choices") or {}).items()], "{ 0 }")
            rows.append("{ %s, FIELD_%s, %s, %s, %s, %d, %s, %d }" % (
                c_string(name), field["type"].upper().replace("-", "_"),
                text(place, field["title"]), text(place, field.get("hint"), must=False), choices,
                field.get("limit", LIMITS.get(field["type"], SHORT)), yes(field, "first"),
                field.get("suggest_days", 0)))
        return array("process_field", rows, "{ 0 }")

    def c_machines(self):
        return array("process_machine", [
            "{ %s, %s, %s, %s, %s, %s, %s, %s }" % (
                c_string(name), text(f"{self.place}: machine {name}", machine["title"]),
                c_string(machine.get("per_party")), yes(machine, "apart"),
                c_string(machine["start"]), strings(machine["states"]),
                "(const struct process_text[]){ " + ", ".join(
                    text(f"{self.place}: state {state}", words)
                    for state, words in machine["states"].items()) + " }",
                strings(listed(machine["ends"])) if listed(machine["ends"])
                else "(const char *const[]){ NULL }")
            for name, machine in self.machines.items()], "{ 0 }")

    @staticmethod
    def c_causes(causes):
        return array("process_cause", [
            "{ %s, %s, %s }" % (*(c_string(part) for part in cause["do"].split("/")),
                                c_string(cause.get("field"))) for cause in causes or []], "{ 0 }")

    def c_steps(self):
        rows = []
        for machine, step in self.steps:
            earlier = [c_string(name) for name in listed(step.get("earlier"))] or ["NULL", "NULL"]
            only = [c_string(step["only"][name]) for name in ("field", "is")] \
                if "only" in step else ["NULL", "NULL"]
            sets = array("process_set", [f"{{ {c_string(a)}, {c_string(b)} }}" for a, b in
                                         (step.get("sets") or {}).items()], "{ 0 }")
            effect = "EFFECT_" + step.get("effect", "none").upper().replace("-", "_")
            rows.append(
                "\n      { %s, %s, %s, %s, %s, %d, %s, %s, %s, %s, %s, %s, %s, { %s }, { %s }, %s, %s, %s }"
                % (c_string(machine), strings(listed(step["from"])), c_string(step["do"]),
                   c_string(step["to"]), strings(listed(step["by"])), step.get("approvals", 1),
                   strings(listed(step.get("needs"))),
                   strings(dict.fromkeys(listed(step.get("takes")) + ALWAYS)),
                   text(f"{self.place}: step {step['do']}", step["title"]), yes(step, "local"),
                   yes(step, "tells_all"), yes(step, "by_other"),
                   strings(listed(step.get("when"))), ", ".join(earlier),
                   ", ".join(only), sets,
                   self.c_causes(step.get("causes")), effect))
        return array("process_step", rows, "{ 0 }")

    def c_clocks(self):
        rows = []
        for machine, where in self.machines.items():
            for clock in where.get("clocks") or []:
                place = f"{self.place}: clock {clock['id']}"
                due, working = duration(place, clock["due"]) if "due" in clock else (0, 0)
                cases = array("process_clock_case", [
                    "{ %s, %s, %d }" % (c_string(case["field"]), c_string(case["is"]),
                                        duration(place, case["due"])[0])
                    for case in clock.get("cases") or []], "{ 0 }")
                warn = [str(duration(place, value)[0]) for value in listed(clock.get("warn"))]
                then = [c_string(part) for part in self.split_then(machine, clock["then"])] \
                    if clock.get("then") else ["NULL", "NULL"]
                rows.append(
                    "\n      { %s, %s, %s, %s, %d, %d, %s, %s, %s, %s, %s, %s, %s, %s, %s }" % (
                        c_string(clock["id"]), c_string(machine), strings(listed(clock["in"])),
                        c_string(clock["role"]), due, working, c_string(clock.get("due_field")),
                        cases, "(const gint64[]){ " + ", ".join([*warn, "0"]) + " }" if warn
                        else "NULL", c_string(clock.get("met_on")),
                        c_string(clock.get("renews_on")),
                        strings(listed(clock.get("pauses_in"))), *then,
                        text(place, clock["title"])))
        return array("process_clock", rows, "{ 0 }")

    def c_row(self):
        row, opens = self.row, self.row.get("opens") or {}
        level = "TLP_%s"
        return ("  { %s, %s,\n    %s,\n    %d, %s, %s, %s, %s, %d,\n    %s,\n    %s,\n    %s,\n"
                "    %s,\n    %s,\n    %s, %s, %d, %s },") % (
            c_string(row["id"]), text(self.place, row["title"]), text(self.place, row["about"]),
            row.get("principle", 0), yes(row, "anonymous"), yes(row, "own"),
            *(level % row[name].upper().replace("+", "_") for name in ("tlp", "ceiling")),
            row["retention_days"], self.c_roles(), self.c_machines(), self.c_fields(),
            self.c_steps(), self.c_clocks(),
            *("(const char *const[]){ " + "".join(c_string(v) + ", " for v in names) + "NULL }"
              for names in (listed(opens.get("needs")),
                            dict.fromkeys(listed(opens.get("takes")) + ALWAYS))),
            opens.get("approvals", 1), self.c_causes(opens.get("causes")))


def load(path):
    with open(path, encoding="utf-8") as stream:
        return yaml.safe_load(stream)


def main(out, common, paths):
    common = load(common)
    kinds = [Kind(path.split("/")[-1], load(path), common) for path in paths]
    kinds.sort(key=lambda kind: kind.row["id"])
    ids = [kind.row["id"] for kind in kinds]
    if len(ids) != len(set(ids)):
        fail("kinds", "two have one id")
    with open(out, "w", encoding="utf-8") as stream:
        stream.write("/* Made by tools/processes.py from data/processes/. */\n"
                     '#include "process/kind.h"\n\nconst struct kind kinds[] = {\n')
        stream.write("\n".join(kind.c_row() for kind in kinds))
        stream.write("\n  { 0 },\n};\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
