"""entente.yaml: the schema that editors use says the same as the program."""
import json

import jsonschema
import pytest
import yaml

from conftest import ROOT

VECTORS = ROOT / "tests" / "vectors" / "profile"
SCHEMA = json.loads((ROOT / "docs" / "schema" / "profile.json").read_text())


class PlainLoader(yaml.SafeLoader):
    """Dates stay texts, as in JSON."""


PlainLoader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def problems(path):
    document = yaml.load(path.read_text(), PlainLoader)
    return list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(document))


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.yaml")), ids=lambda path: path.name)
def test_good_profiles_fit_the_schema(path):
    assert problems(path) == []


@pytest.mark.parametrize("line", [
    "signatory: {nam: A, group: state}",
    "signatory: {name: A, group: stat}",
    "signatory: {name: A, group: state, country: Fr}",
    "{signatory: {name: A, group: state}, assets: {hosts: web1}}",
    "{signatory: {name: A, group: state}, assets: {hosts: [{name: a, roles: [sever]}]}}",
    "{signatory: {name: A, group: state}, assets: {prefixes: [{prefix: here}]}}",
    "{signatory: {name: A, group: state}, assets: {domains: [{name: example}]}}",
])
def test_mistakes_do_not(tmp_path, line):
    path = tmp_path / "entente.yaml"
    path.write_text(line)
    assert problems(path)
