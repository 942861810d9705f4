"""The rules that let the viewer's modules become one script, and its texts two languages."""
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
MODULES = sorted(WEB.rglob("*.js"))
IMPORT = re.compile(r"^import \{ [\w, ]+ \} from '(\.{1,2}/[\w/-]+\.js)';$")
EXPORT = re.compile(r"^export (async function|function|const|class) \w+")
TOP_LEVEL = re.compile(r"^(?:export )?(?:async function|function|const|let|class) (\w+)")
FORBIDDEN = re.compile(r"\bexport default\b|\bimport\(|\bimport\.meta\b|^this\b|^export \{|^export \*")
NODE_MAKING = re.compile(r"createElement|innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser")


def test_modules_keep_to_the_subset_that_can_be_joined():
    for module in MODULES:
        at_top = True
        for number, line in enumerate(module.read_text().splitlines(), 1):
            place = f"{module.relative_to(ROOT)}:{number}: {line}"
            if line.startswith("import"):
                found = IMPORT.match(line)
                assert found, place
                assert (module.parent / found[1]).is_file(), place
                assert at_top, f"{place}: imports stand first"
            elif TOP_LEVEL.match(line):
                at_top = False
            if line.startswith("export"):
                assert EXPORT.match(line), place
            assert not FORBIDDEN.search(line), place


def test_top_level_names_are_unique_over_all_modules():
    seen = {}
    for module in MODULES:
        for line in module.read_text().splitlines():
            if found := TOP_LEVEL.match(line):
                name = found[1]
                assert name not in seen, f"{name} in {module.name} and in {seen[name]}"
                seen[name] = module.name


def test_imports_have_no_cycle_and_name_what_is_exported():
    exports, imports = {}, {}
    for module in MODULES:
        text = module.read_text()
        exports[module] = set(re.findall(r"^export (?:async function|function|const|class) (\w+)", text, re.M))
        imports[module] = [((module.parent / path).resolve(), names.replace(" ", "").split(","))
                           for names, path in re.findall(r"^import \{ (.+) \} from '(.+)';$", text, re.M)]
    done, open_ = set(), []

    def visit(module):
        assert module not in open_, f"cycle: {open_}"
        open_.append(module)
        for other, names in imports[module]:
            assert set(names) <= exports[other], f"{module.name} wants {names} of {other.name}"
            if other not in done:
                visit(other)
        open_.pop()
        done.add(module)

    for module in MODULES:
        visit(module)


def test_one_file_makes_nodes():
    for module in MODULES:
        if module.name != "dom.js":
            found = NODE_MAKING.search(module.read_text())
            assert not found, f"{module.name}: {found}"


def test_nothing_ends_the_elements_the_files_are_put_in():
    for path in [*MODULES, *WEB.glob("*.css"), *WEB.glob("i18n/*.json")]:
        text = path.read_text().lower()
        for end in ("</script", "</style", "<!--"):
            assert end not in text, f"{path.name}: {end}"
        assert "\r" not in text, path.name


def imported_by(module):
    """A module and all that it imports."""
    found = {module}
    for path in re.findall(r"^import .* from '(.+)';$", module.read_text(), re.M):
        found |= imported_by((module.parent / path).resolve())
    return found


def test_files_stay_readable():
    for path in WEB.rglob("*"):
        if path.is_file():
            assert len(path.read_text().splitlines()) < 600, path.name


def test_what_a_report_carries_stays_small():
    carried = imported_by(WEB / "standalone.js") | {WEB / "style.css", WEB / "print.css", WEB / "report.html"}
    carried |= set(WEB.glob("i18n/*.json"))
    total = sum(path.stat().st_size for path in carried)
    assert total < 120 * 1024, f"a report's viewer weighs {total} bytes"


def test_the_program_carries_every_file():
    listed = set(re.findall(r"^  '(.*)',$", (WEB / "meson.build").read_text(), re.MULTILINE))
    there = {str(path.relative_to(WEB)) for path in WEB.rglob("*")
             if path.suffix in (".js", ".css", ".html", ".json")}
    assert listed == there


def catalogue(language):
    return json.loads((WEB / "i18n" / f"{language}.json").read_text())


def test_catalogues_have_the_same_keys_and_placeholders():
    english, french = catalogue("en"), catalogue("fr")
    assert list(english) == list(french)
    for key, text in english.items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", french[key])), key
        assert text.strip() and french[key].strip(), key
        assert "<" not in text + french[key], key


def test_plural_forms_are_complete():
    for language in ("en", "fr"):
        keys = set(catalogue(language))
        for key in keys:
            if key.endswith(".one"):
                assert key[:-4] + ".other" in keys, key
            if key.endswith(".other") and key != "principle.other":
                assert key[:-6] + ".one" in keys, key


def test_french_keeps_its_spaces():
    for key, text in catalogue("fr").items():
        assert not re.search(r"(?<![\u202f\s0-9(])[;!?](?=\s|$)| [:;!?»%]|« ", text), f"{key}: {text!r}"


def test_every_key_in_use_exists():
    keys = set(catalogue("en"))
    for module in MODULES:
        text = module.read_text()
        for key in re.findall(r"\b(?:i18n\.)?t\('([\w.-]+)'", text):
            assert key in keys, f"{module.name}: {key}"
        for key in re.findall(r"plural\('([\w.-]+)'", text):
            assert f"{key}.other" in keys, f"{module.name}: {key}"


def test_every_reason_and_outcome_has_words():
    text = (ROOT / "src/finding/names.c").read_text()
    keys = set(catalogue("en"))
    for reason in re.findall(r'\[REASON_\w+\] = "([\w-]+)"', text):
        assert f"reason.{reason}" in keys, reason
    outcomes = re.search(r"outcome_names\[\] = \{(.*?)\};", text, re.S)[1]
    for outcome in re.findall(r'"([\w-]+)"', outcomes):
        assert outcome == "none" or f"outcome.{outcome}" in keys, outcome
