"""The rules that let the viewer's modules become one script, and its texts two languages."""
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
MODULES = sorted(WEB.rglob("*.js"))
PAGES_ENTRY = WEB / "portal.js"  # never joined: it loads the page that is asked for
REPORT_LIMIT = 128 * 1024  # all that a report carries
PAGE_LIMIT = 352 * 1024  # all that a page loads: scripts, sheets, texts in one language
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
            if module != PAGES_ENTRY:
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


def closure(*entries):
    """The modules and all that they import."""
    found, open_ = set(), [WEB / entry for entry in entries]
    while open_:
        module = open_.pop()
        if module not in found:
            found.add(module)
            open_ += [(module.parent / path).resolve()
                      for path in re.findall(r"^import \{ .+ \} from '(.+)';$", module.read_text(), re.M)]
    return found


def test_files_stay_readable_and_small():
    for path in WEB.rglob("*"):
        if path.is_file() and path.suffix != ".json":
            assert len(path.read_text().splitlines()) < 600, path.name
    report = closure("standalone.js") | {WEB / "style.css", WEB / "print.css", WEB / "i18n/en.json", WEB / "i18n/fr.json"}
    assert sum(path.stat().st_size for path in report) < REPORT_LIMIT
    for page in (WEB / "page").glob("*.js"):
        row = re.search(rf"file: '{page.stem}', .*", PAGES_ENTRY.read_text())[0]
        texts = ["fr", "portal.fr"] + [f"{name}.fr" for name in re.findall(r"'([\w-]+)'", row.split("texts:")[1])] \
            if "texts:" in row else ["fr", "portal.fr"]
        loaded = closure("portal.js", page) | set(WEB.glob("*.css")) | {WEB / f"i18n/{name}.json" for name in texts}
        weight = sum(path.stat().st_size for path in loaded)
        assert weight < PAGE_LIMIT, f"{page.name} loads {weight} bytes"


def test_every_page_has_a_path_a_module_and_a_name():
    """The node's table of paths, the script's table of modules, the modules, the catalogues."""
    rows = re.findall(r'\{ "(/[^"]*)", "(\w+)", "(page/\w+\.js)", ', (ROOT / "src/node/service_portal.c").read_text())
    table = dict(re.findall(r"^  (\w+): \{ (file: '\w+', draw: '\w+'.*) \},$", PAGES_ENTRY.read_text(), re.M))
    assert {name for _, name, _ in rows} | {"missing"} == set(table)
    for _, name, module in rows:
        file = re.search(r"file: '(.+?)'", table[name])[1]
        assert f"page/{file}.js" == module
    for name, row in table.items():
        module = WEB / "page" / (re.search(r"file: '(.+?)'", row)[1] + ".js")
        if module.exists():
            draw = re.search(r"draw: '(.+?)'", row)[1]
            assert f"export async function {draw}(main, view)" in module.read_text(), draw
            assert f"page.{name}.title" in catalogue("en"), name


def test_the_program_carries_every_file():
    listed = set(re.findall(r"^  '(.*)',$", (WEB / "meson.build").read_text(), re.MULTILINE))
    there = {str(path.relative_to(WEB)) for path in WEB.rglob("*")
             if path.suffix in (".js", ".css", ".html", ".json")}
    assert listed == there


def catalogue(language):
    """All texts of a language: the report's, and those of pages; no key stands twice."""
    texts = {}
    for path in [WEB / "i18n" / f"{language}.json", *sorted((WEB / "i18n").glob(f"*.{language}.json"))]:
        for key, text in json.loads(path.read_text()).items():
            assert key not in texts, f"{path.name}: {key}"
            texts[key] = text
    return texts


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


def test_the_browser_knows_the_predicates_of_the_program():
    """web/verify/predicates.js and src/statement/predicate.c: names, exposures, roles."""
    table = (ROOT / "src/statement/predicate.c").read_text().split("predicates[] = {")[1].split("};")[0]
    said = "KEY_ROLE_ISSUER | KEY_ROLE_SINGLE"
    rows = re.findall(r'\{ "([\w-]+)",\s*PREDICATE_\w+,\s*EXPOSURE_(\w+),\s*([\w |]+),', table)
    wanted = {name: (exposure.lower(), sorted(role.removeprefix("KEY_ROLE_").lower() for role in
                                              roles.replace("SAID_ROLES", said).split(" | ")))
              for name, exposure, roles in rows}
    script = (WEB / "verify/predicates.js").read_text()
    found = {}
    for name, exposure, roles in re.findall(
            r"^  '?([\w-]+)'?: \{ exposure: '(\w+)', roles: (SAID|\[.*?\]) \}", script, re.M):
        roles = "'issuer', 'single'" if roles == "SAID" else roles
        found[name] = (exposure, sorted(re.findall(r"'(\w+)'", roles)))
    assert len(wanted) > 15 and found == wanted
    # Whose subject is another than the signer: those that the register does not look up by it.
    register = "".join(path.read_text() for path in sorted((ROOT / "src/register").glob("fold_*.c")))
    of_others = re.search(r"OF_OTHERS = \[(.*)\]", script)[1]
    judges = dict(re.findall(r"static enum register_verdict judge_(\w+)\(struct judged \*judged\)\n\{(?:(?!\n\}).)*?"
                             r"judge_signer\(judged, (TRUE|FALSE)\)", register, re.S))
    kinds = re.findall(r"\{ PREDICATE_(\w+), judge_(\w+),", register)  # several kinds may have one judge
    assert {kind.lower().replace("_", "-") for kind, judge in kinds if judges.get(judge) == "FALSE"} == \
        set(re.findall(r"'([\w-]+)'", of_others))
